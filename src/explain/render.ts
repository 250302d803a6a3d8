import { reasons } from '../errors.ts';
import type { Explanation } from './explain.ts';
import type { CheckName, ExplainedCheck } from './steps.ts';

const labels: Readonly<Record<CheckName, string>> = {
  method: 'the method is served',
  path: 'the path has one reading',
  rule: 'a rule decides',
  token: 'there is a token, where one is needed',
  form: 'it is a JWT',
  algorithm: 'its algorithm is accepted',
  header: 'its header is supported',
  type: 'it is of an accepted type',
  issuer: 'its issuer is accepted',
  key: 'its key is published by the issuer',
  signature: 'its signature holds',
  claim_types: 'its claims have their types',
  expiry: 'it has not expired',
  not_before: 'it is valid already',
  lifetime: 'it does not live too long',
  audience: 'it is for this audience',
  required_claims: 'it has the required claims',
  issuer_claims: 'its claims match those of the issuer',
  purpose: 'it is for access',
  binding: 'it is bound to no key',
  scopes: 'it grants the scopes of the rule',
  rule_claims: 'its claims match those of the rule',
};

/** An explanation as lines for a terminal. */
export function render(explanation: Explanation): string {
  const { method, path, rule, steps } = explanation;
  const decider =
    rule === null ? 'no rule' : `rule "${rule.name}" (auth ${rule.auth}, upstream ${rule.upstream})`;
  const lines = [
    `${method} ${path}: ${decider}`,
    '',
    ...steps.flatMap(renderStep),
    '',
    conclude(explanation),
  ];
  return `${lines.join('\n')}\n`;
}

function renderStep({ check, outcome, reason, expected, got, hint }: ExplainedCheck): string[] {
  const said = Object.entries({ reason, expected, got, hint }).filter(([, text]) => text !== undefined);
  return [
    `${outcome.padEnd(11)}  ${labels[check]}`,
    ...said.map(([name, text]) => `             ${`${name}:`.padEnd(9)} ${text}`),
  ];
}

function conclude({ decision, reason, status }: Explanation): string {
  if (reason === 'ok') return 'allowed';
  if (decision === 'report') return `refused (${reason}), but forwarded without identity: mode is report`;
  return `denied: ${status} ${reason} — ${reasons[reason].detail}`;
}
