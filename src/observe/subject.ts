import { createHmac } from 'node:crypto';
import { printable } from './mask.ts';

/** How a token's subject appears in the log: as it is, as a hash keyed for this process alone, or not at all. */
export type SubjectMode = 'plain' | 'hash' | 'none';

/**
 * Compiles `log.subject`.
 *
 * @param key - of `hash`; one that lives as long as the process, so that lines of one run can be joined, of two not
 */
export function compileSubject(mode: SubjectMode, key: Uint8Array): (sub: unknown) => string | undefined {
  if (mode === 'none') return () => undefined;
  if (mode === 'plain') return (sub) => (typeof sub === 'string' ? printable(sub, 256) : undefined);
  return (sub) =>
    typeof sub === 'string' ? createHmac('sha256', key).update(sub).digest('hex').slice(0, 16) : undefined;
}
