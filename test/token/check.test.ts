import t from 'tap';
import { type ClaimPath, type Claims, compileClaimPath } from '../../src/claims/path.ts';
import { isRefusal, type Refusal } from '../../src/errors.ts';
import { compileChecks, readValidity, type Validity } from '../../src/token/check.ts';
import type { IssuerOptions } from '../../src/token/issuer.ts';
import { goodClaims, issuerOptions, now, reasonOf } from './fixture.ts';

interface Case {
  readonly name: string;
  readonly claims?: object;
  /** The payload as it was written, for numbers that JavaScript does not write. */
  readonly json?: string;
  readonly options?: Partial<IssuerOptions>;
  readonly integerClaims?: readonly string[];
  readonly outcome: string;
}

const malformed = 'token_malformed';
const dates: readonly Case[] = ['exp', 'nbf', 'iat'].flatMap((name) => [
  { name: `${name} a string`, claims: { [name]: `${now}` }, outcome: malformed },
  { name: `${name} negative`, claims: { [name]: -1 }, outcome: malformed },
  { name: `${name} true`, claims: { [name]: true }, outcome: malformed },
  { name: `${name} a list`, claims: { [name]: [now] }, outcome: malformed },
  { name: `${name} an object`, claims: { [name]: {} }, outcome: malformed },
  { name: `${name} 1e1000000`, json: `{"exp":${now + 9},"${name}":1e1000000}`, outcome: malformed },
  { name: `${name} -1e1000000`, json: `{"exp":${now + 9},"${name}":-1e1000000}`, outcome: malformed },
  { name: `${name} a small negative fraction`, claims: { [name]: -1e-300 }, outcome: malformed },
]);

const strings: readonly Case[] = ['sub', 'jti', 'client_id', 'iss'].flatMap((name) => [
  { name: `${name} a number`, claims: { [name]: 1 }, outcome: malformed },
  { name: `${name} false`, claims: { [name]: false }, outcome: malformed },
  { name: `${name} a list`, claims: { [name]: ['a'] }, outcome: malformed },
  { name: `${name} an object`, claims: { [name]: {} }, outcome: malformed },
  { name: `${name} null, which is missing`, claims: { [name]: null }, outcome: 'ok' },
  { name: `${name} empty, which is missing`, claims: { [name]: '' }, outcome: 'ok' },
]);

const times: readonly Case[] = [
  { name: 'exp 0', claims: { exp: 0 }, outcome: 'token_expired' },
  { name: 'exp now, within the tolerance', claims: { exp: now }, outcome: 'ok' },
  {
    name: 'exp now, no tolerance',
    claims: { exp: now },
    options: { clockTolerance: 0 },
    outcome: 'token_expired',
  },
  {
    name: 'exp in a second, no tolerance',
    claims: { exp: now + 1 },
    options: { clockTolerance: 0 },
    outcome: 'ok',
  },
  {
    name: 'exp a second ago, no tolerance',
    claims: { exp: now - 1 },
    options: { clockTolerance: 0 },
    outcome: 'token_expired',
  },
  { name: 'exp 4 s ago, tolerance 5 s', claims: { exp: now - 4 }, outcome: 'ok' },
  { name: 'exp 4.999 s ago, tolerance 5 s', claims: { exp: now - 4.999 }, outcome: 'ok' },
  { name: 'exp 5 s ago, tolerance 5 s', claims: { exp: now - 5 }, outcome: 'token_expired' },
  { name: 'exp 6 s ago, tolerance 5 s', claims: { exp: now - 6 }, outcome: 'token_expired' },
  { name: 'exp with a fraction', claims: { exp: now + 0.5 }, options: { clockTolerance: 0 }, outcome: 'ok' },
  { name: 'exp far away', claims: { exp: 1e300 }, outcome: 'ok' },
  { name: 'exp in milliseconds, which is far away', claims: { exp: now * 1000 }, outcome: 'ok' },
  { name: 'nbf now', claims: { nbf: now }, options: { clockTolerance: 0 }, outcome: 'ok' },
  {
    name: 'nbf in a second, no tolerance',
    claims: { nbf: now + 1 },
    options: { clockTolerance: 0 },
    outcome: 'token_not_yet_valid',
  },
  { name: 'nbf in 5 s, tolerance 5 s', claims: { nbf: now + 5 }, outcome: 'ok' },
  { name: 'nbf in 5.001 s, tolerance 5 s', claims: { nbf: now + 5.001 }, outcome: 'token_not_yet_valid' },
  { name: 'nbf in 6 s, tolerance 5 s', claims: { nbf: now + 6 }, outcome: 'token_not_yet_valid' },
  { name: 'nbf 1e300', claims: { nbf: 1e300 }, outcome: 'token_not_yet_valid' },
  { name: 'nbf 0', claims: { nbf: 0 }, outcome: 'ok' },
  { name: 'nbf null, which is missing', claims: { nbf: null }, outcome: 'ok' },
  { name: 'iat tomorrow, which nothing asks for', claims: { iat: now + 86400 }, outcome: 'ok' },
  { name: 'expired and not yet valid', claims: { exp: 0, nbf: 1e300 }, outcome: 'token_expired' },
];

const lifetime = { maxLifetime: 3_600_000 };
const lifetimes: readonly Case[] = [
  {
    name: 'a lifetime of the maximum',
    claims: { iat: now, exp: now + 3600 },
    options: lifetime,
    outcome: 'ok',
  },
  {
    name: 'a lifetime a second longer',
    claims: { iat: now, exp: now + 3601 },
    options: lifetime,
    outcome: 'token_lifetime_exceeded',
  },
  {
    name: 'a lifetime a fraction longer',
    claims: { iat: now, exp: now + 3600.5 },
    options: lifetime,
    outcome: 'token_lifetime_exceeded',
  },
  {
    name: 'iat missing with a maximum',
    claims: { iat: undefined },
    options: lifetime,
    outcome: 'claim_missing',
  },
  { name: 'iat null with a maximum', claims: { iat: null }, options: lifetime, outcome: 'claim_missing' },
  { name: 'iat missing without one', claims: { iat: undefined }, outcome: 'ok' },
  {
    name: 'expired and too long',
    claims: { iat: 0, exp: 5000 },
    options: lifetime,
    outcome: 'token_expired',
  },
];

const two = { audience: ['api://orders', 'api://bills'] };
const audiences: readonly Case[] = [
  { name: 'aud a string', outcome: 'ok' },
  { name: 'aud a list of one', claims: { aud: ['api://orders'] }, outcome: 'ok' },
  { name: 'aud a list with others', claims: { aud: ['x', 'api://orders'] }, outcome: 'ok' },
  { name: 'the second of two audiences', claims: { aud: 'api://bills' }, options: two, outcome: 'ok' },
  {
    name: 'neither of two audiences',
    claims: { aud: ['a', 'b'] },
    options: two,
    outcome: 'audience_mismatch',
  },
  { name: 'another aud', claims: { aud: 'api://bills' }, outcome: 'audience_mismatch' },
  { name: 'aud missing', claims: { aud: undefined }, outcome: 'audience_mismatch' },
  { name: 'aud null', claims: { aud: null }, outcome: 'audience_mismatch' },
  { name: 'aud empty', claims: { aud: '' }, outcome: 'audience_mismatch' },
  { name: 'aud an empty list', claims: { aud: [] }, outcome: 'audience_mismatch' },
  { name: 'aud with a slash after', claims: { aud: 'api://orders/' }, outcome: 'audience_mismatch' },
  { name: 'aud a prefix', claims: { aud: 'api://order' }, outcome: 'audience_mismatch' },
  { name: 'aud in capitals', claims: { aud: 'API://orders' }, outcome: 'audience_mismatch' },
  { name: 'aud with a space before', claims: { aud: ' api://orders' }, outcome: 'audience_mismatch' },
  {
    name: 'aud several in one string',
    claims: { aud: 'api://orders api://bills' },
    outcome: 'audience_mismatch',
  },
  { name: 'aud a list with a number', claims: { aud: ['api://orders', 1] }, outcome: malformed },
  { name: 'aud a list with null', claims: { aud: ['api://orders', null] }, outcome: malformed },
  { name: 'aud a nested list', claims: { aud: [['api://orders']] }, outcome: malformed },
  { name: 'aud a number', claims: { aud: 1 }, outcome: malformed },
  { name: 'aud an object', claims: { aud: { 'api://orders': true } }, outcome: malformed },
  { name: 'aud not checked', claims: { aud: 'x' }, options: { audience: null }, outcome: 'ok' },
  {
    name: 'aud not checked and missing',
    claims: { aud: undefined },
    options: { audience: null },
    outcome: 'ok',
  },
  {
    name: 'aud not checked, but malformed',
    claims: { aud: [1] },
    options: { audience: null },
    outcome: malformed,
  },
  { name: 'no audience accepted', options: { audience: [] }, outcome: 'audience_mismatch' },
  {
    name: 'no audience accepted, none in the token',
    claims: { aud: [] },
    options: { audience: [] },
    outcome: 'audience_mismatch',
  },
];

const required: readonly Case[] = [
  { name: 'exp missing', claims: { exp: undefined }, outcome: 'claim_missing' },
  { name: 'exp null', claims: { exp: null }, outcome: 'claim_missing' },
  { name: 'exp empty', claims: { exp: '' }, outcome: 'claim_missing' },
  { name: 'exp missing and another aud', claims: { exp: undefined, aud: 'x' }, outcome: 'audience_mismatch' },
  { name: 'a required claim', claims: { tid: 'a' }, options: { requiredClaims: ['tid'] }, outcome: 'ok' },
  { name: 'a required claim missing', options: { requiredClaims: ['tid'] }, outcome: 'claim_missing' },
  {
    name: 'a required claim null',
    claims: { tid: null },
    options: { requiredClaims: ['tid'] },
    outcome: 'claim_missing',
  },
  {
    name: 'a required claim empty',
    claims: { tid: '' },
    options: { requiredClaims: ['tid'] },
    outcome: 'claim_missing',
  },
  {
    name: 'a required claim false, which is there',
    claims: { tid: false },
    options: { requiredClaims: ['tid'] },
    outcome: 'ok',
  },
  {
    name: 'a nested required claim missing',
    claims: { a: {} },
    options: { requiredClaims: ['a.b'] },
    outcome: 'claim_missing',
  },
  {
    name: 'a required claim that only the prototype has',
    options: { requiredClaims: ['toString'] },
    outcome: 'claim_missing',
  },
];

const complete = { client_id: 'app', jti: '1' };
const accessToken = { tokenType: 'at+jwt' };
const accessTokens: readonly Case[] = [
  { name: 'an access token of RFC 9068', claims: complete, options: accessToken, outcome: 'ok' },
  ...['sub', 'client_id', 'iat', 'jti', 'exp'].map((name) => ({
    name: `an access token without ${name}`,
    claims: { ...complete, [name]: undefined },
    options: accessToken,
    outcome: 'claim_missing',
  })),
  {
    name: 'an access token without aud, where aud is not checked',
    claims: { ...complete, aud: undefined },
    options: { ...accessToken, audience: null },
    outcome: 'claim_missing',
  },
];

const matched: readonly Case[] = [
  {
    name: 'a claim that matches',
    claims: { tid: 'a' },
    options: { claims: { tid: { equals: 'a' } } },
    outcome: 'ok',
  },
  {
    name: 'a claim that does not',
    claims: { tid: 'b' },
    options: { claims: { tid: { equals: 'a' } } },
    outcome: 'claim_mismatch',
  },
  {
    name: 'a matched claim missing',
    options: { claims: { tid: { equals: 'a' } } },
    outcome: 'claim_missing',
  },
  {
    name: 'a matched claim null',
    claims: { tid: null },
    options: { claims: { tid: { exists: true } } },
    outcome: 'claim_missing',
  },
  { name: 'a claim that must not be there', options: { claims: { act: { exists: false } } }, outcome: 'ok' },
  {
    name: 'a claim that must not be there and is',
    claims: { act: {} },
    options: { claims: { act: { exists: false } } },
    outcome: 'claim_mismatch',
  },
  {
    name: 'the second of two matchers',
    claims: { a: 1, b: 2 },
    options: { claims: { a: { equals: 1 }, b: { equals: 1 } } },
    outcome: 'claim_mismatch',
  },
  {
    name: 'a parameter, of which an issuer has none',
    claims: { tid: '{tenant}' },
    options: { claims: { tid: { equals: '{tenant}' } } },
    outcome: 'claim_mismatch',
  },
];

const logout = 'http://schemas.openid.net/event/backchannel-logout';
const kinds: readonly Case[] = [
  { name: 'a logout token without typ', claims: { events: { [logout]: {} } }, outcome: 'type_mismatch' },
  { name: 'a security event', claims: { events: { 'urn:x:event': { a: 1 } } }, outcome: 'type_mismatch' },
  { name: 'events without any', claims: { events: {} }, outcome: 'type_mismatch' },
  { name: 'events that are a list of something else', claims: { events: ['a'] }, outcome: 'ok' },
  { name: 'events null', claims: { events: null }, outcome: 'ok' },
  { name: 'a DPoP binding', claims: { cnf: { jkt: 'a' } }, outcome: 'binding_mismatch' },
  { name: 'a certificate binding', claims: { cnf: { 'x5t#S256': 'a' } }, outcome: 'binding_mismatch' },
  { name: 'cnf empty', claims: { cnf: {} }, outcome: 'binding_mismatch' },
  { name: 'cnf false', claims: { cnf: false }, outcome: 'binding_mismatch' },
  { name: 'cnf null, which is missing', claims: { cnf: null }, outcome: 'ok' },
];

const unsafe = `{"exp":${now + 9},"aud":"api://orders","n":9007199254740993,"o":{"p":[9007199254740993]},"q":1}`;
const integers: readonly Case[] = [
  { name: 'an unsafe integer that nobody reads', json: unsafe, integerClaims: ['q'], outcome: 'ok' },
  { name: 'an unsafe integer', json: unsafe, integerClaims: ['q', 'n'], outcome: malformed },
  { name: 'an unsafe integer within', json: unsafe, integerClaims: ['o'], outcome: malformed },
  { name: 'a safe integer', claims: { n: 9007199254740991 }, integerClaims: ['n'], outcome: 'ok' },
];

const order: readonly Case[] = [
  { name: 'malformed before expired', claims: { exp: 0, sub: 1 }, outcome: malformed },
  { name: 'expired before another aud', claims: { exp: 0, aud: 'x' }, outcome: 'token_expired' },
  {
    name: 'another aud before a missing claim',
    claims: { aud: 'x' },
    options: { requiredClaims: ['tid'] },
    outcome: 'audience_mismatch',
  },
  {
    name: 'another aud before a missing iat',
    claims: { aud: 'x', iat: undefined },
    options: lifetime,
    outcome: 'audience_mismatch',
  },
  {
    name: 'a missing claim before one that does not match',
    claims: { a: 1 },
    options: { requiredClaims: ['tid'], claims: { a: { equals: 2 } } },
    outcome: 'claim_missing',
  },
  {
    name: 'a claim that does not match before a binding',
    claims: { a: 1, cnf: {} },
    options: { claims: { a: { equals: 2 } } },
    outcome: 'claim_mismatch',
  },
];

const all = [
  dates,
  strings,
  times,
  lifetimes,
  audiences,
  required,
  accessTokens,
  matched,
  kinds,
  integers,
  order,
];

/** The checks in their order, as a verification asks them. */
function compileCheck(options: IssuerOptions, integerClaims: readonly ClaimPath[]) {
  const checks = compileChecks(options, integerClaims);
  return (claims: Claims, at: number): Validity | Refusal => {
    for (const check of checks) {
      const refused = check.refuse(claims, at);
      if (refused !== undefined) return { refused };
    }
    return readValidity(claims, options.clockTolerance);
  };
}

for (const { name, claims, json, options, integerClaims = [], outcome } of all.flat()) {
  t.test(`${name}: ${outcome}`, async (t) => {
    const check = compileCheck(issuerOptions(options), integerClaims.map(compileClaimPath));
    // As they are when they come out of a token: an undefined member is none.
    const payload = JSON.parse(json ?? JSON.stringify({ ...goodClaims, ...claims }));
    t.equal(reasonOf(check(payload, now * 1000)), outcome);
  });
}

t.test('says when a token may be served, tolerance included', async (t) => {
  const check = compileCheck(issuerOptions({ clockTolerance: 1500 }), []);
  t.strictSame(check({ ...goodClaims, exp: now + 10.25, nbf: now - 2 }, now * 1000), {
    notBefore: now * 1000 - 3500,
    expiresAt: now * 1000 + 11750,
  });
  const without = check(goodClaims, now * 1000);
  t.equal(isRefusal(without) ? without.refused : without.notBefore, 0);
});

t.test('a path or matcher that cannot be compiled throws when the config is loaded', async (t) => {
  t.throws(() => compileChecks(issuerOptions({ requiredClaims: ['a..b'] }), []), SyntaxError);
  t.throws(() => compileChecks(issuerOptions({ claims: { a: {} } }), []), SyntaxError);
});
