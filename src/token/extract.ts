import type { Refusal } from '../errors.ts';
import { findCookie } from './cookie.ts';
import { findField } from './field.ts';

/** A place in a request where a token may be. */
export type SourceOptions =
  | { readonly type: 'bearer' }
  | { readonly type: 'cookie'; readonly name: string }
  | { readonly type: 'header'; readonly name: string };

/** The token that decides a request. */
export interface Extracted {
  /** As it came, and it may be anything, empty too: whether it is a token, its verification says. */
  readonly token: string;
  readonly source: SourceOptions;
  /** Every place of the request that holds a token, this one included: the upstream gets none of them. */
  readonly places: readonly SourceOptions[];
  /** What decides where this token counts as none: that of the next source which holds one. */
  readonly next: Extracted | null;
}

export interface ExtractOptions {
  /** In the order in which they decide. */
  readonly sources: readonly SourceOptions[];
  /**
   * Whether the upstream gets the tokens too. It could then decide by another one than we have verified, so that there
   * may be only one.
   */
  readonly forwardToken: boolean;
}

const missing: Refusal = { refused: 'token_missing' };
const ambiguous: Refusal = { refused: 'token_ambiguous' };

/** The text at one place; undefined where there is no token. */
type Find = (rawHeaders: readonly string[]) => string | Refusal | undefined;

/**
 * Compiles the search for a request's token: the first listed source that holds one decides. It reads Node's
 * `rawHeaders` (name, value, name, value), since the merged headers hide what came twice.
 *
 * Refusals: `token_missing`; `token_ambiguous` where a token came twice in one source, even equal, or, with
 * `forwardToken`, in two of them.
 */
export function compileExtract({
  sources,
  forwardToken,
}: ExtractOptions): (rawHeaders: readonly string[]) => Extracted | Refusal {
  // From the last to the first, so that each knows the next.
  const places = sources.map((source) => ({ source, alone: [source], find: compileFind(source) })).reverse();
  return (rawHeaders) => {
    let next: Extracted | null = null;
    for (const { source, alone, find } of places) {
      const token = find(rawHeaders);
      if (token === undefined) continue;
      if (typeof token !== 'string' || (next !== null && forwardToken)) return ambiguous;
      next = { token, source, places: next === null ? alone : [source, ...next.places], next };
    }
    return next ?? missing;
  };
}

function compileFind(source: SourceOptions): Find {
  if (source.type === 'cookie') return (rawHeaders) => findCookie(rawHeaders, source.name);
  if (source.type === 'bearer') return findBearer;
  const name = source.name.toLowerCase();
  return (rawHeaders) => {
    const value = findField(rawHeaders, name);
    return value === '' ? undefined : value;
  };
}

/** The scheme ends where a character comes that no scheme's name may have. */
const bearer = /^bearer(?![\w!#$%&'*+.^`|~-])/i;

/**
 * RFC 6750 section 2.1 with the scheme of RFC 9110 section 11.1: `Bearer` in any case, one or more spaces, the
 * token. What follows the scheme in any other form stays as it is, which no token is; another scheme is no token.
 */
function findBearer(rawHeaders: readonly string[]): string | Refusal | undefined {
  const value = findField(rawHeaders, 'authorization');
  if (typeof value !== 'string') return value;
  if (!bearer.test(value)) return undefined;
  let start = 'bearer'.length;
  while (value[start] === ' ') start++;
  return value.slice(start);
}
