import { completeConfig } from '../../src/config/complete.ts';
import { ConfigError } from '../../src/config/fault.ts';

export const issuer = { issuer: 'https://idp.example.com', audience: 'api://orders' };
export const base = { upstream: 'http://127.0.0.1:3000', issuers: [issuer] };

/** What a check says of a config, a line each: `rules[0].path: message (hint)`. */
export interface Judged {
  readonly faults: readonly string[];
  readonly warnings: readonly string[];
}

/** Checks a config object. */
export function judge(input: object): Judged {
  const say = ({ path, message, hint }: { path: string; message: string; hint?: string }) =>
    `${path}: ${message}${hint === undefined ? '' : ` (${hint})`}`;
  try {
    return { faults: [], warnings: completeConfig(input as never).warnings.map(say) };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { faults: error.faults.map(say), warnings: error.warnings.map(say) };
  }
}

/** Checks a config with these rules, and no other reason for faults. */
export function judgeRules(rules: readonly object[], more: object = {}): Judged {
  return judge({ ...base, unmatched: 'deny', rules, ...more });
}
