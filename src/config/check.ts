import { checkAccess } from './check-access.ts';
import { checkIssuers } from './check-issuers.ts';
import { checkLookAlikes } from './check-look-alikes.ts';
import { checkPorts } from './check-ports.ts';
import { checkRules } from './check-rules.ts';
import type { Config } from './schema.ts';
import type { Checked } from './validate.ts';

/** What no schema can tell: settings that contradict each other, name what is not there, or let more pass than they seem to. */
export function checkConfig(config: Config): Checked {
  const parts = [checkPorts, checkIssuers, checkAccess, checkRules, checkLookAlikes].map((check) =>
    check(config),
  );
  return {
    faults: parts.flatMap(({ faults }) => faults),
    warnings: parts.flatMap(({ warnings }) => warnings),
  };
}
