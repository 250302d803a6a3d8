import type { Claims } from '../claims/path.ts';
import { isRefreshToken, refreshToken } from './describe-header.ts';
import { forGraph, isForGraph } from './graph.ts';
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
  if (isForGraph({ header: {}, claims })) return forGraph;
  if (isRefreshToken(claims)) return refreshToken;
  const provider = hintOfProvider(claims, given);
  if (provider !== undefined) return provider;
  if (isIdToken(claims, given)) {
    return 'this is an ID token: its audience is your client id; send the access token instead';
  }
  if (given.length === 0) {
    return 'the issuer puts no audience into its tokens; have it do so, or set audience: null and match another claim';
  }
  const near = given.find((each) => accepted.some((other) => other !== each && fold(other) === fold(each)));
  if (near !== undefined)
    return `"${show(near)}" differs by a slash or by case alone; audiences compare exactly`;
  const bare = given.find((each) => accepted.some((other) => withoutApi(other) === withoutApi(each)));
  if (bare !== undefined)
    return `"${show(bare)}" differs by api:// alone: Entra ID puts the bare id into version 2 tokens and the URI into version 1 ones; list both in audience`;
  return `this token is for ${list(given)}; this sidecar accepts ${list(accepted)}`;
}

/** What some providers are known for. */
function hintOfProvider({ iss, token_use }: Claims, given: readonly string[]): string | undefined {
  const issuer = typeof iss === 'string' ? iss : '';
  if (given.length === 0 && token_use === 'access') {
    return 'Cognito puts no audience into access tokens: set audience: null, and match client_id and token_use with the claims of the issuer';
  }
  if (issuer.startsWith('https://securetoken.google.com/')) {
    return "for Firebase the audience is the project's id, with which the issuer ends";
  }
  if (given.every((each) => each === 'account') && given.length > 0) {
    return 'Keycloak puts only "account" there until the client has an audience mapper, or a scope with one, for your API';
  }
  if (given.some((each) => each.startsWith('https://kubernetes.default'))) {
    return "this is a service account's token for the Kubernetes API: have the pod mount a projected one with your audience";
  }
  return given.length > 0 && given.every((each) => each.endsWith('/userinfo'))
    ? 'Auth0 gives such a token to a client that asks for no audience: have it ask with the audience of your API'
    : undefined;
}

function withoutApi(audience: string): string {
  return fold(audience.replace(/^api:\/\//i, ''));
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
