import type { Reason } from '../errors.ts';
import type { JsonObject } from './json.ts';

/** What changes how the rest of a token is to be read, RFC 7515 section 4.1.11, RFC 7797, RFC 7516. */
const refusedMembers = ['crit', 'b64', 'zip'];

/** Tokens that an issuer signs for another purpose, RFC 8725 section 3.11. */
const otherTypes: ReadonlySet<string> = new Set(['logout+jwt', 'dpop+jwt', 'secevent+jwt', 'rt+jwt']);

/**
 * Checks a JOSE header against what the token's issuer uses. Whatever points to a key (`jwk`, `jku`, `x5u`,
 * `x5c`) is ignored.
 *
 * @param tokenType - `any`, or the one `typ` accepted
 * @returns `algorithm_not_allowed`, `header_not_supported`, `type_mismatch`, or undefined when all is well
 */
export function checkHeader(
  header: JsonObject,
  algorithms: ReadonlySet<string>,
  tokenType: string,
): Reason | undefined {
  if (typeof header.alg !== 'string' || !algorithms.has(header.alg)) return 'algorithm_not_allowed';
  if (refusedMembers.some((name) => Object.hasOwn(header, name))) return 'header_not_supported';
  return isTypeAccepted(header.typ, tokenType) ? undefined : 'type_mismatch';
}

function isTypeAccepted(typ: unknown, tokenType: string): boolean {
  if (typ === undefined) return tokenType === 'any';
  if (typeof typ !== 'string') return false;
  const type = normalize(typ);
  return tokenType === 'any' ? !otherTypes.has(type) : type === normalize(tokenType);
}

/** Media types compare in any case, and `application/` may be left out: RFC 7515 section 4.1.9. */
function normalize(typ: string): string {
  const type = typ.toLowerCase();
  return type.startsWith('application/') ? type.slice('application/'.length) : type;
}
