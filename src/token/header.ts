import type { Refusal } from '../errors.ts';
import type { JsonObject } from './json.ts';

/** What changes how the rest of a token is to be read, RFC 7515 section 4.1.11, RFC 7797, RFC 7516. */
const refusedMembers = ['crit', 'b64', 'zip'];

/** Tokens that an issuer signs for another purpose, RFC 8725 section 3.11. */
const otherTypes: ReadonlySet<string> = new Set(['logout+jwt', 'dpop+jwt', 'secevent+jwt', 'rt+jwt']);

/** What is asked of a header, in this order. */
export type HeaderCheck = 'algorithm' | 'header' | 'type';

/** The check that a header fails. */
export interface HeaderFault {
  readonly at: HeaderCheck;
  readonly refusal: Refusal;
}

const algorithm: HeaderFault = { at: 'algorithm', refusal: { refused: 'algorithm_not_allowed' } };
const notSupported: HeaderFault = { at: 'header', refusal: { refused: 'header_not_supported' } };
const type: HeaderFault = { at: 'type', refusal: { refused: 'type_mismatch' } };

/**
 * Checks a JOSE header against what the token's issuer uses. Whatever points to a key (`jwk`, `jku`, `x5u`,
 * `x5c`) is ignored.
 *
 * @param tokenType - `any`, or the one `typ` accepted
 * @returns the first fault (`algorithm_not_allowed`, `header_not_supported`, `type_mismatch`), or undefined when all is well
 */
export function checkHeader(
  header: JsonObject,
  algorithms: ReadonlySet<string>,
  tokenType: string,
): HeaderFault | undefined {
  if (typeof header.alg !== 'string' || !algorithms.has(header.alg)) return algorithm;
  if (refusedMembers.some((name) => Object.hasOwn(header, name))) return notSupported;
  return isTypeAccepted(header.typ, tokenType) ? undefined : type;
}

function isTypeAccepted(typ: unknown, tokenType: string): boolean {
  if (typ === undefined) return tokenType === 'any';
  if (typeof typ !== 'string') return false;
  const given = normalize(typ);
  return tokenType === 'any' ? !otherTypes.has(given) : given === normalize(tokenType);
}

/** Media types compare in any case, and `application/` may be left out: RFC 7515 section 4.1.9. */
function normalize(typ: string): string {
  const type = typ.toLowerCase();
  return type.startsWith('application/') ? type.slice('application/'.length) : type;
}
