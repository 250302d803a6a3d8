import { type Finding, isWithin } from './finding.ts';
import type { Path } from './path.ts';

/** What a config took from outside its file, which may be secret. */
export interface Outside {
  readonly places: readonly { readonly path: Path; readonly value: string }[];
  /** What was put into the values of these places. */
  readonly taken: readonly string[];
}

/** A shorter value says nothing, or is part of ordinary words. */
const shortestPlace = 4;
const shortestTaken = 8;

/**
 * Compiles a filter that leaves out of a finding what came from the environment or from a file, wherever it is said:
 * the value at its own place and what was derived from it, and the value itself in what is said of other places.
 */
export function compileRedact({ places, taken }: Outside): (finding: Finding) => Finding {
  const secrets = [
    ...places.map(({ value }) => value).filter(({ length }) => length >= shortestPlace),
    ...taken.filter(({ length }) => length >= shortestTaken),
  ].flatMap((text) => [text, JSON.stringify(text).slice(1, -1)]);
  // The longest first, or a part of it would be left.
  const ordered = [...new Set(secrets)].sort((a, b) => b.length - a.length);
  const clean = (text: string) => ordered.reduce((left, secret) => left.replaceAll(secret, '…'), text);
  return (finding) => {
    const own = places.some(({ path }) => isWithin(finding.path, path) || isWithin(path, finding.path));
    const { got, hint, ...rest } = finding;
    return {
      ...rest,
      // What stands in quotes at such a place is the value, or was made from it.
      message: clean(own ? finding.message.replace(/".*"/s, '"…"') : finding.message),
      ...(got !== undefined && !own && { got: clean(got) }),
      ...(hint !== undefined && !own && { hint: clean(hint) }),
    };
  };
}
