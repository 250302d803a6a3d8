import fc from 'fast-check';
import t from 'tap';
import { Client } from 'undici';
import { part } from '../helpers/forge.ts';
import { startScene } from './scene.ts';

const runs = 2000;

/** A letter in any place, and what it would mean elsewhere. */
const letters = [...'AZaz09-_.=+/~,:;"%{}\\\u00e9'];

/** Two tokens of one issuer and the way to a text that is neither. */
type Mutation = (token: string, other: string) => string;

const position = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
const at = (token: string, where: number) => Math.floor(where * token.length);

const edits = fc
  .record({
    where: position,
    letter: fc.constantFrom(...letters),
    kind: fc.constantFrom('put', 'add', 'drop', 'swap'),
  })
  .map(
    ({ where, letter, kind }): Mutation =>
      (token) => {
        const index = at(token, where);
        const before = token.slice(0, index);
        const after = token.slice(index + 1);
        if (kind === 'put') return before + letter + after;
        if (kind === 'add') return before + letter + token.slice(index);
        if (kind === 'drop') return before + after;
        return before + after.slice(0, 1) + (token[index] ?? '') + after.slice(1);
      },
  );

const cuts = fc.record({ from: position, to: position }).map(
  ({ from, to }): Mutation =>
    (token) =>
      token.slice(0, at(token, from)) + token.slice(at(token, to)),
);

/** Parts of two good tokens, in any order and number. */
const splices = fc
  .array(fc.record({ other: fc.boolean(), part: fc.nat(2) }), { minLength: 1, maxLength: 5 })
  .map(
    (parts): Mutation =>
      (token, other) =>
        parts.map((each) => (each.other ? other : token).split('.')[each.part] ?? '').join('.'),
  );

const flips = fc.record({ part: fc.nat(2), where: position, bit: fc.nat(7) }).map(
  ({ part, where, bit }): Mutation =>
    (token) => {
      const parts = token.split('.');
      const bytes = Buffer.from(parts[part] ?? '', 'base64url');
      const index = Math.floor(where * bytes.length);
      bytes[index] = (bytes[index] ?? 0) ^ (1 << bit);
      return parts.with(part, bytes.toString('base64url')).join('.');
    },
);

/** Another value for a member of the header or of the payload, under the signature of the old one. */
const rewrites = fc
  .record({
    part: fc.nat(1),
    name: fc.constantFrom(
      'alg',
      'kid',
      'typ',
      'crit',
      'jwk',
      'iss',
      'sub',
      'aud',
      'exp',
      'nbf',
      'scope',
      'cnf',
      'x',
    ),
    value: fc.oneof(
      fc.constantFrom('none', 'HS256', 'RS256', 'ES256', 'JWT', 'admin', 'api://orders', '', 4e9, -1, 1e300),
      fc.jsonValue({ maxDepth: 2 }),
    ),
    signed: fc.boolean(),
  })
  .map(
    ({ part: which, name, value, signed }): Mutation =>
      (token) => {
        const parts = token.split('.');
        const content = JSON.parse(Buffer.from(parts[which] ?? '', 'base64url').toString());
        const changed = parts.with(which, part({ ...content, [name]: value }));
        return (signed ? changed : changed.with(2, '')).join('.');
      },
  );

t.test('no mutation of a valid token is accepted, and none breaks anything', async (t) => {
  const scene = await startScene(t, { failureLimit: null, log: { level: 'silent' } });
  const { issuer, echo, gateway } = scene;
  const client = new Client(gateway.url);
  t.teardown(() => client.destroy());
  const send = async (token: string) => {
    const { statusCode, body } = await client.request({
      path: '/',
      method: 'GET',
      headers: { authorization: `Bearer ${token}` },
    });
    await body.dump();
    return statusCode;
  };
  const token = issuer.mint();
  const other = issuer.mint({ claims: { sub: 'other', scope: 'orders:admin' } });
  for (const good of [token, other]) t.equal(await send(good), 200, 'both are valid');

  const mutation = fc.oneof(edits, cuts, splices, flips, rewrites);
  await fc.assert(
    fc.asyncProperty(mutation, async (mutate) => {
      const mutated = mutate(token, other);
      fc.pre(mutated !== token && mutated !== other);
      return (await send(mutated)) === 401;
    }),
    { numRuns: runs },
  );
  t.equal(echo.seen.length, 2, 'the upstream saw the valid ones alone');
  for (const good of [token, other]) t.equal(await send(good), 200, 'which are still valid');
  const refusals = (reason: string) => gateway.metric(`jwks_sidecar_refusals_total{reason="${reason}"}`);
  t.equal(await refusals('internal_error'), 0);
  for (const reason of ['token_malformed', 'signature_invalid', 'algorithm_not_allowed']) {
    t.ok((await refusals(reason)) > 10, `they were refused at every depth: ${reason}`);
  }
});
