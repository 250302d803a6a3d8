import t from 'tap';
import type { MatcherOptions } from '../../src/claims/match.ts';
import { systemClock } from '../../src/clock.ts';
import { completeConfig } from '../../src/config/complete.ts';
import type { IssuerConfig } from '../../src/config/schema.ts';
import { isRefusal, type Reason } from '../../src/errors.ts';
import { describeAudience } from '../../src/explain/describe-audience.ts';
import { describeClaims } from '../../src/explain/describe-claims.ts';
import { describeForm } from '../../src/explain/describe-form.ts';
import { describeHeader } from '../../src/explain/describe-header.ts';
import { describeIssuer } from '../../src/explain/describe-issuer.ts';
import { describeKey } from '../../src/explain/describe-key.ts';
import { describePath } from '../../src/explain/describe-path.ts';
import { describeClaim } from '../../src/explain/describe-rule.ts';
import { readGiven } from '../../src/explain/given.ts';
import type { KeySetStatus } from '../../src/keys/status.ts';
import { compileCanonical } from '../../src/path/canonical.ts';
import { compileRule } from '../../src/rules/compile.ts';
import { readToken, type UnverifiedToken } from '../../src/token/read.ts';
import { part } from '../helpers/forge.ts';
import { defaults, rule } from '../rules/rule.ts';

type Cases = Readonly<Record<string, readonly [given: string, hint: RegExp]>>;

const header = part({ alg: 'RS256' });
const claims = part({ sub: 'a' });
const forms: Cases = {
  'the whole answer of a token endpoint': ['{"access_token":"a.b.c"}', /access_token/],
  'a key set': ['{"keys":[{"kty":"RSA","n":"AA","e":"AQAB"}]}', /key set \(JWKS\)/],
  'a key': ['{ "kty": "EC", "crv": "P-256" }', /a key \(JWK\)/],
  'a JWS in JSON': [`{"payload":"${claims}","protected":"${header}","signature":"AA"}`, /JWS in JSON/],
  'a public key': [
    '-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----',
    /a key or a certificate in PEM/,
  ],
  'a private key': ['-----BEGIN RSA PRIVATE KEY-----\nMIIB', /private key, not a token.*replace it/],
  'a SAML assertion': ['PHNhbWxwOlJlc3BvbnNlIHhtbG5zOnNhbWxwPSJ1cm4', /XML/],
  'a variable that has no value': ['undefined', /name of a missing value/],
  'an object that was made text': ['[object Object]', /name of a missing value/],
  'a variable that was not expanded': ['${ACCESS_TOKEN}', /placeholder/],
  'a placeholder of an API client': ['{{access_token}}', /placeholder/],
  'a placeholder of a page': ['<token>', /placeholder/],
  'with the name of its parameter': [`access_token=${header}.${claims}.AA`, /name of a parameter/],
  'with Bearer twice': [`Bearer ${header}.${claims}.AA`, /"Bearer"/],
  'of Google': ['ya29.a0AfH6SMBx-yz_1234567890', /access token of Google, which is opaque.*ID token/],
  'of GitHub': ['gho_16C7e42F292c6912E7710c838347Ae178B4a', /GitHub/],
  'of GitHub, for a person': ['github_pat_11ABCDEFG0abcdefghijkl', /GitHub/],
  'of GitLab': ['glpat-ABCDEFGHIJ1234567890', /GitLab/],
  'of Slack': ['xoxb-123456789012-abcdef', /Slack/],
  'of a personal Microsoft account': [`EwB4A8l6BAAU${'a1B2'.repeat(40)}`, /personal Microsoft account/],
  'a UUID': ['2f1e9b5c-7a5e-4a53-9c55-0d6f1d3c2b1a', /UUID/],
  'the header alone': [header, /cut at a dot/],
  'percent-encoded': [`${header}%2E${claims}%2EAA`, /percent-encoded/],
  'quotes on one side': [`"${header}.${claims}.AA`, /quotes/],
  wrapped: [`${header}.\n${claims}.AA`, /white space/],
  'cut with an ellipsis': [`${header}.${claims.slice(0, 4)}…`, /was cut/],
  'cut with three dots': [`${header}.${claims.slice(0, 4)}...`, /was cut/],
  'standard base64': [`${header}.${claims}.a+/b`, /not in base64url/],
  padded: [`${header}.${claims}.AA==`, /no padding/],
  opaque: ['2YotnFZFEjr1zCsicMWpAA', /opaque/],
  'no signature': [`${header}.${claims}`, /signature is missing/],
  'too many dots': [`${header}.${claims}.AA.BB`, /too many dots/],
  'a header that is cut': [`${header.slice(0, -3)}.${claims}.AA`, /the header is no/],
  'a header of nothing': [`.${claims}.AA`, /the header is no JSON in UTF-8/],
  'a payload of another spelling': [`${header}.${claims}~.AA`, /the payload is no base64url/],
  'a payload that is a list': [`${header}.${part('[]')}.AA`, /the payload is no JSON object/],
  'a member twice': [`${header}.${part('{"a":1,"a":2}')}.AA`, /a member twice/],
  'a signature that is cut': [`${header}.${claims}.A`, /the signature is no base64url/],
  'a kid that is a number': [`${part({ alg: 'RS256', kid: 7 })}.${claims}.AA`, /kid and iss/],
  'an issuer that is a list': [`${header}.${part({ iss: ['a'] })}.AA`, /kid and iss/],
};

t.test('form', async (t) => {
  for (const [name, [text, hint]] of Object.entries(forms)) {
    t.ok(isRefusal(readToken(text, 8192)), `${name}: is refused`);
    const finding = describeForm(text, 'token_malformed', 8192);
    t.match(finding, { expected: /three parts/, got: /characters$/, hint }, name);
    t.notOk(JSON.stringify(finding).includes(claims), `${name}: says nothing of it`);
  }
});

t.test('a token however it was pasted', async (t) => {
  const cases = [
    ['a.b.c', 'a.b.c'],
    ['  a.b.c\r\n', 'a.b.c'],
    ['"a.b.c"\n', 'a.b.c'],
    ["'Bearer a.b.c'", 'a.b.c'],
    ['bearer   a.b.c', 'a.b.c'],
    ['Authorization: Bearer a.b.c', 'a.b.c'],
    ['authorization:Bearer\ta.b.c', 'a.b.c'],
    ['Bearer', ''],
    ['Authorization: Bearer ', ''],
    [' \n', ''],
    ['bearer.b.c', 'bearer.b.c'],
  ] as const;
  for (const [given, token] of cases) t.equal(readGiven(given), token, JSON.stringify(given));
});

const paths: Cases = {
  'no slash': ['orders', /percent-encoded/],
  'a whole URL': ['https://api.example.com/orders', /path alone/],
  'a letter beyond ASCII': ['/caf\u00e9', /percent-encoded/],
  'a fragment': ['/a#b', /"#"/],
  'a dot segment': ['/a/../b', /dot segment/],
  'an encoded one': ['/a/%2e%2E/b', /dot segment/],
  'one dot at the end': ['/a/.', /dot segment/],
  'a lonely percent': ['/100%', /literal one is "%25"/],
  'double encoding': ['/%252e', /encoded twice/],
  'an encoded backslash': ['/a%5cb', /backslash/],
  'a null byte': ['/a%00', /control character/],
  'an encoded slash': ['/a%2Fb', /encodedSlashes/],
  parameters: ['/a;v=1/b', /paths.parameters/],
  'a double slash': ['/a//b', /duplicateSlashes/],
  'an overlong slash': ['/%c0%af', /no valid UTF-8/],
  'dots before an encoded number sign': ['/..%23', /dot segment/],
  'dots before a blank': ['/a/..%20/b', /cuts off blanks/],
  'full-width dots': ['/%EF%BC%8E%EF%BC%8E', /full-width/],
  'full-width escapes': ['/%EF%BC%852f', /become an escape/],
};

t.test('path', async (t) => {
  const canonical = compileCanonical({
    duplicateSlashes: 'reject',
    encodedSlashes: 'reject',
    parameters: 'reject',
  });
  for (const [name, [path, hint]] of Object.entries(paths)) {
    const target = canonical(path);
    t.ok(isRefusal(target), `${name}: is refused`);
    if (isRefusal(target)) t.match(describePath(path, target.refused), { hint }, name);
  }
  t.notMatch(describePath('/ok?a;b', 'path_ambiguous').hint, /parameters/, 'the query is not looked at');
});

function unverified(claims: object, header: object = {}): UnverifiedToken {
  const token = readToken(`${part({ alg: 'RS256', ...header })}.${part(claims)}.AA`, 8192);
  if (isRefusal(token)) throw new Error(token.refused);
  return token;
}

function trusted(...names: readonly string[]): readonly IssuerConfig[] {
  return completeConfig({
    upstream: 'http://127.0.0.1:1',
    issuers: names.map((issuer) => ({ issuer, audience: 'a' })),
  }).config.issuers;
}

t.test('issuer', async (t) => {
  const entra = 'https://login.microsoftonline.com/7f0c1a52-3d1b-4f7e-9a55-0d6f1d3c2b1a/v2.0';
  const cases: Readonly<
    Record<string, readonly [configured: string, given: string | undefined, hint: RegExp]>
  > = {
    'a slash': ['https://a.example/', 'https://a.example', /trailing slash/],
    'another slash': ['https://a.example/x', 'https://a.example/x//', /trailing slash/],
    case: ['https://a.example/Tenant', 'https://a.example/tenant', /case alone/],
    scheme: ['https://a.example', 'http://a.example', /http and https/],
    realm: ['https://a.example/realms/a', 'https://a.example/realms/b', /another path/],
    prefix: ['https://a.example/realms/a', 'https://a.example', /another path/],
    Entra: [entra, 'https://sts.windows.net/7f/', /version 1/],
    unknown: ['https://a.example', 'https://b.example', /no such issuer/],
    'no scheme': ['https://accounts.google.com', 'accounts.google.com', /differs by its scheme/],
    Okta: [
      'https://dev-1.okta.com/oauth2/default',
      'https://dev-1.okta.com',
      /organization itself are for Okta alone/,
    ],
    Keycloak: [
      'https://id.example.com/realms/a',
      'http://keycloak:8080/realms/a',
      /same realm under another host/,
    ],
    'no URL': ['https://a.example', 'b', /no such issuer/],
    none: ['https://a.example', undefined, /iss/],
  };
  const everywhere = compileRule(rule({ path: '/*' }), 0, defaults);
  for (const [name, [configured, iss, hint]] of Object.entries(cases)) {
    const finding = describeIssuer(unverified({ iss }), trusted(configured, 'https://z.example'), everywhere);
    const expected = `${configured}, https://z.example`;
    t.match(finding, { expected, got: iss ?? 'missing', hint }, name);
  }
  const narrow = compileRule(rule({ name: 'x', path: '/*', issuers: ['https://z.example'] }), 0, defaults);
  t.match(describeIssuer(unverified({ iss: 'https://a.example' }), trusted('https://a.example'), narrow), {
    expected: 'https://z.example',
    hint: /rule "x" accepts others/,
  });
});

t.test('audience', async (t) => {
  const cases: Readonly<Record<string, readonly [claims: object, hint: RegExp]>> = {
    'another API': [
      { aud: 'api://billing' },
      /^this token is for api:\/\/billing; this sidecar accepts api:\/\/orders$/,
    ],
    several: [{ aud: ['a', 'b'] }, /for a, b;/],
    none: [{}, /no audience/],
    'a slash': [{ aud: 'api://orders/' }, /slash or by case/],
    case: [{ aud: 'API://Orders' }, /slash or by case/],
    'a nonce': [{ aud: 'web', nonce: 'n' }, /ID token/],
    'a hash of the access token': [{ aud: 'web', at_hash: 'h' }, /ID token/],
    'for the client itself': [{ aud: 'web', azp: 'web' }, /ID token/],
    'among others': [{ aud: ['x', 'web'], client_id: 'web' }, /ID token/],
    'for another than the client': [{ aud: 'api://billing', azp: 'web' }, /^this token is for/],
    Keycloak: [{ aud: 'web', typ: 'ID' }, /ID token/],
    Cognito: [{ aud: 'web', token_use: 'id' }, /ID token/],
    'Cognito, an access token': [
      { token_use: 'access', client_id: 'web' },
      /Cognito puts no audience into access tokens: set audience: null/,
    ],
    'Entra ID, version 2': [{ aud: 'orders' }, /differs by api:\/\/ alone.*list both/],
    'Microsoft Graph': [{ aud: '00000003-0000-0000-c000-000000000000', azp: 'web' }, /Microsoft Graph/],
    'Microsoft Graph, by its name': [{ aud: 'https://graph.microsoft.com' }, /Microsoft Graph/],
    'Keycloak, a refresh token': [
      { aud: 'https://id.example.com/realms/a', typ: 'Refresh' },
      /refresh token/,
    ],
    'Keycloak without a mapper': [{ aud: 'account', azp: 'web' }, /audience mapper/],
    Firebase: [{ aud: 'shop', iss: 'https://securetoken.google.com/shop' }, /project's id/],
    'Auth0 without an audience': [{ aud: ['https://a.eu.auth0.com/userinfo'] }, /asks for no audience/],
    'Auth0 with another': [{ aud: ['api://b', 'https://a.eu.auth0.com/userinfo'] }, /^this token is for/],
    Kubernetes: [{ aud: ['https://kubernetes.default.svc'] }, /projected one/],
  };
  for (const [name, [claims, hint]] of Object.entries(cases)) {
    const finding = describeAudience(claims as Record<string, unknown>, ['api://orders']);
    t.match(finding, { expected: 'api://orders', hint }, name);
  }
});

t.test('header', async (t) => {
  const any = { algorithms: ['RS256'], tokenType: 'any' } as const;
  const strict = { algorithms: ['RS256'], tokenType: 'at+jwt' } as const;
  const cases = [
    ['algorithm', { alg: 'none' }, any, /not signed/],
    ['algorithm', { alg: 'HS512' }, any, /shared secret/],
    ['algorithm', { alg: 'EdDSA' }, any, /add EdDSA/],
    ['algorithm', { alg: 'rs256' }, any, /case-sensitive: RS256/],
    ['algorithm', { alg: 'A256KW' }, any, undefined],
    ['algorithm', {}, any, undefined],
    ['header', { b64: false }, any, /no access token needs them/],
    ['type', { typ: 'logout+jwt' }, any, /a logout token, not/],
    ['type', { typ: 'application/DPoP+jwt' }, any, /a DPoP proof, not/],
    ['type', { typ: 7 }, any, /must be a string/],
    ['type', { typ: 'JWT' }, strict, /RFC 9068/],
    ['type', {}, strict, /RFC 9068/],
  ] as const;
  for (const [at, header, accepted, hint] of cases) {
    const finding = describeHeader(header, at, { ...accepted, algorithms: [...accepted.algorithms] });
    const name = `${at} ${JSON.stringify(header)}`;
    if (hint === undefined) t.equal(finding?.hint, undefined, name);
    else t.match(finding, { hint }, name);
  }
  const refresh = describeHeader({ alg: 'HS512' }, 'algorithm', any, { typ: 'Refresh' });
  t.match(refresh, { hint: /refresh token/ }, 'which Keycloak signs with a secret');
  t.equal(describeHeader({}, 'key', { algorithms: [], tokenType: 'any' }), null, 'another step');
});

const sought = (at: 'key' | 'signature', refused: Reason, retryAfter: number | null = null) => ({
  at,
  refused,
  retryAfter,
});

t.test('key', async (t) => {
  const status: KeySetStatus = {
    issuer: 'https://a.example',
    state: 'fresh',
    keys: ['k1', 'k2'].map((kid) => ({ kid, thumbprint: '', type: 'EC', algorithms: ['ES256'] })),
    skipped: [{ kid: 'weak', why: 'it has 1024 bits' }],
    fromCacheFile: false,
    lastSuccess: 0,
    ageMs: 12_345,
    nextRefreshMs: null,
    lastError: null,
  };
  const down = { ...status, lastError: { code: 'status', message: 'it answered 503' } };
  const never = { ...status, ageMs: null, keys: [] };
  const [k1] = status.keys as [KeySetStatus['keys'][number]];
  const many = { ...status, keys: Array.from({ length: 5 }, () => ({ ...k1, kid: 'same' })) };
  const edwards = { ...status, keys: [{ ...k1, kid: 'ed', type: 'OKP' as const, algorithms: ['EdDSA'] }] };
  const cases = [
    [{ kid: 'k7' }, status, "kid k7 is not among the issuer's keys (k1, k2, fetched 12 s ago)"],
    [{ kid: 'k7' }, down, /12 s ago\); the last fetch failed: it answered 503$/],
    [{ kid: 'weak' }, status, /cannot be used: it has 1024 bits/],
    [{ kid: 'k1' }, status, 'kid k1 is a key for ES256, not for RS256'],
    [{}, status, /every key for RS256 is tried, and there is none; the issuer's keys \(k1, k2/],
    [{ alg: 'ES256' }, status, /every key for ES256 is tried, and none of them verifies it/],
    [{ alg: 'ES256' }, many, 'without one, at most 4 keys are tried, and 5 are for ES256'],
    [{ alg: 'ES256', kid: 'same' }, many, /^none of them is tried/],
    [
      { alg: 'ES256', kid: 'k1' },
      status,
      'the issuer binds kid k1 to the tenant that the token names in tid',
    ],
    [
      { alg: 'Ed25519', kid: 'ed' },
      edwards,
      'the issuer binds kid ed to the tenant that the token names in tid',
    ],
  ] as const;
  for (const [header, keys, hint] of cases) {
    t.match(describeKey(unverified({}, header), sought('key', 'key_unknown'), keys), { hint }, String(hint));
  }
  const wait = describeKey(unverified({}, { kid: 'k7' }), sought('key', 'key_unknown', 12), status);
  t.match(wait, { hint: /allows the next fetch in 12 s, and until then the token does not count/ });
  const graph = unverified({}, { kid: 'k1', nonce: 'a' });
  t.match(describeKey(graph, sought('signature', 'signature_invalid'), status), {
    hint: /^this is a token for Microsoft Graph, which nobody but Graph can verify/,
  });
  const long = describeKey(unverified({}, { kid: 'k'.repeat(200) }), sought('key', 'key_unknown'), status);
  t.match(long, { got: `kid ${'k'.repeat(64)}`, hint: /^kid k{64} is not among/ });
  const token = unverified({}, { kid: 'k1' });
  t.match(describeKey(token, sought('key', 'keys_unavailable'), down), { got: 'it answered 503' });
  t.match(describeKey(token, sought('key', 'keys_unavailable'), never), { got: 'never fetched' });
  t.match(describeKey(token, sought('signature', 'signature_invalid'), status), {
    expected: 'a signature under key k1',
  });
});

t.test('an encrypted token', async (t) => {
  const jwe = (header: object) => [part(header), '', 'AAAA', 'AAAA', 'AAAA'].join('.');
  t.match(describeForm(jwe({ alg: 'dir', enc: 'A256GCM' }), 'header_not_supported', 8192), {
    hint: /Auth0 gives one to a client that asks for no audience/,
  });
  t.match(describeForm(jwe({ alg: 'RSA-OAEP', enc: 'A256GCM' }), 'header_not_supported', 8192), {
    hint: /only its recipient can read it/,
  });
});

t.test('an issuer that signs for Microsoft Graph', async (t) => {
  const everywhere = compileRule(rule({ path: '/*' }), 0, defaults);
  const iss = 'https://sts.windows.net/7f0c1a52-3d1b-4f7e-9a55-0d6f1d3c2b1a/';
  const issuers = trusted('https://login.microsoftonline.com/7f0c1a52-3d1b-4f7e-9a55-0d6f1d3c2b1a/v2.0');
  for (const token of [
    unverified({ iss }, { nonce: 'a' }),
    unverified({ iss, aud: 'https://graph.microsoft.com' }),
  ]) {
    t.match(describeIssuer(token, issuers, everywhere), { got: iss, hint: /Microsoft Graph/ });
  }
});

t.test('claims of a wrong type', async (t) => {
  const issuer = trusted('https://a.example')[0];
  if (issuer === undefined) return t.fail('there is one');
  const cases: Readonly<
    Record<string, readonly [claims: Record<string, unknown>, blamed: string[], hint: RegExp]>
  > = {
    'a sub that is a number': [{ sub: 7 }, ['sub'], /^sub must be a string, and is a number$/],
    'a large one': [{ sub: 2 ** 60 }, ['sub'], /^sub must be a string, and is a number$/],
    'a client_id that is a list': [
      { client_id: ['a'] },
      ['client_id'],
      /^client_id must be a string, and is a list$/,
    ],
    'an aud that is an object': [
      { aud: {} },
      ['aud'],
      /^aud must be a string or a list of strings, and is an object$/,
    ],
    'an aud of numbers': [{ aud: ['a', 1] }, ['aud'], /something else is in its list$/],
    'an exp in quotes': [{ exp: '7' }, ['exp'], /without quotes$/],
    'an exp before 1970': [{ exp: -1 }, ['exp'], /^exp must be a number of seconds since 1970$/],
    'an iat that is true': [{ iat: true }, ['iat'], /and is a boolean$/],
    'an integer that is too large': [{ n: 2 ** 60 }, ['n'], /^n holds an integer beyond 9007199254740991/],
    'one inside a list': [{ n: [2 ** 60] }, ['n'], /^n holds an integer beyond 9007199254740991/],
    several: [{ sub: 7, exp: '7' }, ['exp', 'sub'], /^exp: .*; sub must be a string, and is a number$/],
  };
  for (const [name, [claims, blamed, hint]] of Object.entries(cases)) {
    t.match(describeClaims({ claims, at: 'claim_types', blamed, issuer }, systemClock), { hint }, name);
  }
});

t.test('a claim', async (t) => {
  type Case = readonly [path: string, options: MatcherOptions, claims: object, found: object];
  const cases: Readonly<Record<string, Case>> = {
    'another value': [
      'tid',
      { equals: 'a' },
      { tid: 'b' },
      { expected: 'tid equals "a"', got: 'b', hint: undefined },
    ],
    missing: ['tid', { equals: 'a' }, {}, { got: 'missing', hint: undefined }],
    'in another case': ['tid', { exists: true }, { TID: 'a' }, { hint: /a "TID"/ }],
    'inside another': [
      'roles',
      { contains: 'a' },
      { realm_access: { roles: ['a'] } },
      { hint: /"realm_access.roles"/ },
    ],
    'inside yet another': ['x.roles', { contains: 'a' }, { y: { roles: [] } }, { hint: /"y.roles"/ }],
    'a list': ['tid', { equals: 'a' }, { tid: ['a'] }, { hint: /`contains`/ }],
    'another type': ['level', { equals: 1 }, { level: '1' }, { hint: /types included/ }],
    'an object': ['realm_access', { contains: 'a' }, { realm_access: { a: 1 } }, { hint: /an object/ }],
    'no string': ['level', { prefix: '1' }, { level: 10 }, { hint: /no string/ }],
    'two verbs': [
      'tid',
      { prefix: 'a', matches: 'a+' },
      { tid: 'b' },
      { expected: 'tid prefix "a" and matches "a+"' },
    ],
    'the parameter of a path': [
      'tenant',
      { equals: '{tenant}' },
      { tenant: 'b' },
      { expected: 'tenant equals "{tenant}", where {tenant} is "acme"' },
    ],
  };
  for (const [name, [path, options, claims, found]] of Object.entries(cases)) {
    const params = { tenant: 'acme', other: 'x' };
    t.match(describeClaim({ path, options, claims: claims as Record<string, unknown>, params }), found, name);
  }
});
