import type { Exchange } from '../exchange.ts';
import { maskAddress } from '../limit/mask.ts';
import { printable } from '../observe/mask.ts';
import type { Reported } from '../observe/reported.ts';

/** Takes note of a request that the policy refused and that was forwarded all the same. */
export type Report = (exchange: Exchange) => void;

const longestName = 64;

/** Compiles what report mode's table learns of a request. */
export function compileReport(reported: Reported): Report {
  return function report({ decision, rule, token, client }) {
    if (decision === null) return;
    reported.add({
      rule: rule?.label ?? 'default',
      reason: decision.reason,
      issuer: decision.issuer,
      who: nameOf(token) ?? maskAddress(client.address),
    });
  };
}

/** By its client and, as `log.subject` says, its subject; undefined where no token verified or it names neither. */
function nameOf(token: Exchange['token']): string | undefined {
  if (token === null) return undefined;
  const { client, subject } = token.prepared;
  const names = [
    client !== undefined && `client ${client}`,
    subject !== undefined && `subject ${subject}`,
  ].filter((name) => name !== false);
  return names.length === 0 ? undefined : names.map((name) => printable(name, longestName)).join(', ');
}
