import type { Claims } from '../claims/path.ts';
import type { Finding } from './steps.ts';
import { list, show, withoutSlash } from './value.ts';

/** What an ID token has and an access token has not, OpenID Connect Core 1.0 section 2. */
const ofIdTokens = ['nonce', 'at_hash', 'c_hash', 's_hash'];

/** Why a token is for somebody else. */
export function describeAudience(claims: Claims, accepted: readonly string[]): Finding {
  const { aud } = claims;
  const given = (Array.isArray(aud) ? aud : [aud]).filter((each): each is string => typeof each === 'string');
  const found = { expected: list(accepted), got: given.length === 0 ? 'missing' : list(given) };
  return {
    ...found,
    get hint() {
      return hintOf(claims, given, accepted);
    },
  };
}

function hintOf(claims: Claims, given: readonly string[], accepted: readonly string[]): string {
  if (isIdToken(claims, given)) {
    return 'this is an ID token: its audience is your client id; send the access token instead';
  }
  if (given.length === 0) {
    return 'the issuer puts no audience into its tokens; have it do so, or set audience: null and match another claim (Cognito: client_id)';
  }
  const near = given.find((each) => accepted.some((other) => other !== each && fold(other) === fold(each)));
  if (near !== undefined)
    return `"${show(near)}" differs by a slash or by case alone; audiences compare exactly`;
  return `this token is for ${list(given)}; this sidecar accepts ${list(accepted)}`;
}

/** By what it has, by what its issuer calls it (Keycloak, Cognito), or by being meant for the client that it was given to. */
function isIdToken(claims: Claims, given: readonly string[]): boolean {
  if (ofIdTokens.some((name) => claims[name] !== undefined)) return true;
  if (claims.typ === 'ID' || claims.token_use === 'id') return true;
  return [claims.azp, claims.client_id].some((client) => given.some((each) => each === client));
}

function fold(text: string): string {
  return withoutSlash(text.toLowerCase());
}
