import type { Claims } from '../claims/path.ts';

/**
 * What a token grants: `scope` (RFC 9068 section 2.2.3), or `scp` where scope is missing, as a string split
 * at spaces or a list of strings. Anything else grants nothing.
 */
export function readScopes(claims: Claims): ReadonlySet<string> {
  const { scope, scp } = claims;
  return new Set(list(scope === undefined || scope === null || scope === '' ? scp : scope));
}

function list(value: unknown): readonly string[] {
  if (typeof value === 'string') return value.split(' ').filter((scope) => scope !== '');
  return Array.isArray(value) && value.every((scope) => typeof scope === 'string') ? value : [];
}
