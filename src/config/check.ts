import { checkAccess } from './check-access.ts';
import { checkIssuers } from './check-issuers.ts';
import { checkLookAlikes } from './check-look-alikes.ts';
import { checkPorts } from './check-ports.ts';
import { checkRules } from './check-rules.ts';
import { checkTexts } from './check-texts.ts';
import { type Checked, type Finding, join } from './finding.ts';
import { placeholderText } from './mend.ts';
import type { Config } from './schema.ts';

/** What no schema can tell: settings that contradict each other, name what is not there, or let more pass than they seem to. */
export function checkConfig(config: Config): Required<Checked> {
  const { faults, warnings, notes } = join([checkRules(config), checkLookAlikes(config)]);
  const withRests = (findings: readonly Finding[]) => findings.map((finding) => addRests(finding, config));
  const rules = { faults: withRests(faults), warnings: withRests(warnings), notes: withRests(notes) };
  return join([checkPorts(config), checkIssuers(config), checkAccess(config), rules, checkTexts(config)]);
}

/** What a finding about a rule was concluded from, besides the setting that it names. */
function addRests(finding: Finding, { issuers, rules }: Config): Finding {
  const [section, index] = finding.path;
  if (section !== 'rules' || typeof index !== 'number') return finding;
  const rule = ['rules', index];
  const config = rules[index];
  // An alternative asks for the same as the rule itself.
  const [key, ...rest] = finding.path[2] === 'anyOf' ? finding.path.slice(4) : finding.path.slice(2);
  const asked = finding.path[2] === 'anyOf' ? config?.anyOf[Number(finding.path[3])] : config;
  const named = asked?.issuers?.[Number(rest[0])] ?? '';
  const others = {
    // One that is written in full elsewhere is another; one that was replaced could be any.
    issuers: issuers.flatMap(({ issuer }, each) =>
      issuer === placeholderText || issuer.startsWith(named) ? [['issuers', each, 'issuer']] : [],
    ),
    upstream: [['upstreams', config?.upstream ?? '']],
    claims: [[...rule, 'path']],
    stripPrefix: [[...rule, 'path']],
  };
  // What is said of a rule as a whole was concluded from all of it.
  const own = finding.path.length === 2 ? [rule] : Object.entries(others).find(([each]) => each === key)?.[1];
  return { ...finding, restsOn: [...(finding.restsOn ?? []), ...(own ?? [])] };
}
