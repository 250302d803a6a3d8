import { conclude } from './conclude.ts';
import type { Explanation } from './explain.ts';
import { labels } from './labels.ts';
import type { ExplainedCheck } from './steps.ts';

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
