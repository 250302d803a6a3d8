import type { Claims } from '../claims/path.ts';
import type { IssuerConfig } from '../config/schema.ts';
import type { JsonObject } from '../token/json.ts';
import type { Step } from '../token/verify.ts';
import type { Finding } from './steps.ts';
import { list, show } from './value.ts';

const otherKinds: Readonly<Record<string, string>> = {
  'logout+jwt': 'a logout token',
  'dpop+jwt': 'a DPoP proof',
  'secevent+jwt': 'a security event',
  'rt+jwt': 'a refresh token',
};

type Accepted = Pick<IssuerConfig, 'algorithms' | 'tokenType'>;

/** Why a token's header is not accepted; null where that is not the step. */
export function describeHeader(
  header: JsonObject,
  at: Step,
  accepted: Accepted,
  claims: Claims = {},
): Finding | null {
  if (at === 'algorithm') return describeAlgorithm(header, accepted, claims);
  if (at === 'type') return describeType(header, accepted);
  if (at !== 'header') return null;
  const found = ['crit', 'b64', 'zip'].filter((name) => Object.hasOwn(header, name));
  return {
    expected: 'no crit, b64 or zip in the header',
    got: list(found),
    hint: 'they change how the rest of a token is to be read, and no access token needs them',
  };
}

function describeAlgorithm(header: JsonObject, { algorithms }: Accepted, claims: Claims): Finding {
  const alg = show(header.alg);
  return { expected: list(new Set(algorithms)), got: alg, hint: hintOfAlgorithm(alg, algorithms, claims) };
}

function hintOfAlgorithm(alg: string, accepted: readonly string[], claims: Claims): string | undefined {
  if (/^none$/i.test(alg)) return 'it is not signed at all';
  if (/^HS(256|384|512)$/.test(alg)) {
    if (isRefreshToken(claims)) return refreshToken;
    return 'it is signed with a shared secret, not with a private key of the issuer; such tokens are never accepted. Have the issuer sign with RS256 or ES256 (Auth0: signing algorithm of the API; Supabase: JWT signing keys of the project)';
  }
  if (/^((RS|PS|ES)(256|384|512)|EdDSA|Ed25519)$/.test(alg)) {
    return `add ${alg} to the issuer's algorithms if it is to be accepted`;
  }
  const cased = accepted.find((each) => each.toLowerCase() === alg.toLowerCase());
  return cased && `the name of an algorithm is case-sensitive: ${cased}`;
}

function describeType({ typ }: JsonObject, { tokenType }: Accepted): Finding {
  const type = show(typ);
  const kind = otherKinds[type.toLowerCase().replace(/^application\//, '')];
  return {
    expected: tokenType === 'any' ? 'an access token' : `typ ${tokenType}`,
    got: `typ ${type}`,
    hint: kind
      ? `this is ${kind}, not an access token`
      : tokenType === 'any'
        ? 'typ must be a string where there is one'
        : `tokenType: ${tokenType} asks for RFC 9068; "any" accepts access tokens of another typ or none`,
  };
}

export const refreshToken =
  'this is a refresh token, which is for its issuer alone: send the access token that came with it';

/** By what Keycloak calls it. */
export function isRefreshToken({ typ }: Claims): boolean {
  return typ === 'Refresh' || typ === 'Offline';
}
