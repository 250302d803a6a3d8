import t from 'tap';
import { startFakeIssuer } from '../helpers/issuer.ts';
import { makeKey } from '../helpers/key.ts';
import type { RequestOptions } from '../helpers/request.ts';
import { holdClock } from './held-clock.ts';
import type { Refused } from './refusals.ts';
import { assertRefused, bearer, startScene } from './scene.ts';

const limit = { max: 3, window: '60s', blockFor: '90s' };
const blocks = 'jwks_sidecar_failure_limit_blocks_total';
const blocked = 'jwks_sidecar_failure_limit_blocked_clients';
const verifications = 'jwks_sidecar_verification_duration_seconds_count{source="signature"}';

t.test('after so many forged tokens, no further one is looked at', async (t) => {
  const clock = holdClock();
  const { issuer, ...scene } = await startScene(
    t,
    {
      rules: [
        { path: '/open/*', auth: 'none' },
        { path: '/optional/*', auth: 'optional' },
      ],
      failureLimit: limit,
    },
    { clock },
  );
  const { gateway } = scene;
  const stranger = await makeKey();
  const forged = () => ({
    headers: bearer(issuer.mint({ header: { kid: issuer.signingKey.kid }, key: stranger })),
  });
  const fresh = () => ({ headers: bearer(issuer.mint()) });
  const verified = fresh();
  await scene.allows(t, 'a good token', verified);

  const same = forged();
  for (let i = 0; i < 10; i++)
    await scene.refuses(t, 'one forged token ten times', same, 'signature_invalid');
  await scene.refuses(t, 'the second', forged(), 'signature_invalid');
  await scene.allows(t, 'a good one between', fresh());
  await scene.refuses(t, 'the third is still told why', forged(), 'signature_invalid');
  t.equal(await gateway.metric(blocked), 1);

  const fetches = issuer.fetches.jwks;
  const verifiedSoFar = await gateway.metric(verifications);
  const refused = await scene.refuses(t, 'the fourth', forged(), 'client_blocked');
  t.equal(refused.header('retry-after'), '90', 'and when to come back');
  await scene.refuses(t, 'a good one not seen before', fresh(), 'client_blocked');
  await scene.refuses(t, 'where a token is optional', { ...fresh(), path: '/optional/x' }, 'client_blocked');
  const unknown = { headers: bearer(issuer.mint({ header: { kid: 'unknown' } })) };
  await scene.refuses(t, 'a key that nobody knows', unknown, 'client_blocked');
  t.equal(issuer.fetches.jwks, fetches, 'no keys were asked for');
  t.equal(await gateway.metric(verifications), verifiedSoFar, 'and no signature was looked at');

  await scene.allows(t, 'a token that was verified before', verified);
  await scene.refuses(t, 'no token', {}, 'token_missing');
  await scene.allows(t, 'no token where it is optional', { path: '/optional/x' });
  await scene.allows(t, 'a rule that looks at none', { ...forged(), path: '/open/x' });
  await scene.allows(t, 'another client', { ...fresh(), localAddress: '127.0.0.2' });
  t.equal(await gateway.metric(blocks), 1);

  clock.advance(89_001);
  const late = await scene.refuses(t, 'in the last second', fresh(), 'client_blocked');
  t.equal(late.header('retry-after'), '1');
  clock.advance(999);
  await scene.allows(t, 'and then no longer', fresh());
  t.equal(await gateway.metric(blocked), 0);
});

t.test('failures are counted for the time of a window', async (t) => {
  const clock = holdClock();
  const { issuer, ...scene } = await startScene(t, { failureLimit: limit }, { clock });
  const forged = () => ({ headers: bearer(`${issuer.mint()}=`) });
  const first = forged();
  await scene.refuses(t, 'one', first, 'token_malformed');
  await scene.refuses(t, 'two', forged(), 'token_malformed');
  clock.advance(60_000);
  await scene.refuses(t, 'the first again, a window later', first, 'token_malformed');
  await scene.refuses(t, 'two in this window', forged(), 'token_malformed');
  await scene.allows(t, 'are not three', { headers: bearer(issuer.mint()) });
  await scene.refuses(t, 'three', forged(), 'token_malformed');
  await scene.refuses(t, 'are', forged(), 'client_blocked');
});

t.test('what is forged or broken counts, and nothing else does', async (t) => {
  const down = await startFakeIssuer(t);
  down.respond((_request, response) => response.writeHead(503).end());
  const other = await startFakeIssuer(t);
  const { issuer, ...scene } = await startScene(
    t,
    {
      token: { sources: [{ type: 'bearer' }, { type: 'cookie', name: 'session' }] },
      rules: [
        { path: '/scoped', scopes: ['none:such'] },
        { path: '/claimed', claims: { role: { equals: 'admin' } } },
        { path: '/other', issuers: [other.issuer] },
        { path: '/*' },
      ],
      failureLimit: { max: 1 },
    },
    {
      trust: { maxLifetime: '1h', claims: { tenant: { equals: 'acme' } } },
      others: [other, down].map(({ issuer, audience }) => ({ issuer, audience })),
    },
  );
  const stranger = await makeKey();
  const { kid } = issuer.signingKey;
  const mint = (claims: object = {}, header: object = {}) =>
    bearer(issuer.mint({ claims: { tenant: 'acme', ...claims }, header: { ...header } }));
  const forged: { [R in Refused]?: RequestOptions } = {
    token_malformed: { headers: bearer('x') },
    token_too_large: { headers: bearer('x'.repeat(9000)) },
    algorithm_not_allowed: { headers: mint({}, { alg: 'HS256' }) },
    header_not_supported: { headers: mint({}, { crit: [] }) },
    issuer_unknown: { headers: mint({ iss: 'https://evil.example' }) },
    key_unknown: { headers: mint({}, { kid: 'unknown' }) },
    signature_invalid: { headers: bearer(issuer.mint({ header: { kid }, key: stranger })) },
  };
  const honest: { [R in Refused]?: RequestOptions } = {
    path_ambiguous: { path: '/a/../b', headers: bearer('x') },
    method_not_allowed: { method: 'TRACE', headers: bearer('x') },
    token_missing: {},
    token_ambiguous: { headers: { ...mint(), cookie: 'session=x' } },
    csrf_rejected: { method: 'POST', headers: { cookie: 'session=x' } },
    type_mismatch: { headers: mint({}, { typ: 'logout+jwt' }) },
    keys_unavailable: { headers: bearer(down.mint()) },
    token_expired: { headers: mint({ exp: 1, iat: 0 }) },
    token_not_yet_valid: { headers: mint({ nbf: 4e9 }) },
    token_lifetime_exceeded: { headers: mint({ iat: 1 }) },
    audience_mismatch: { headers: mint({ aud: 'api://other' }) },
    claim_missing: { headers: mint({ tenant: '' }) },
    claim_mismatch: { headers: mint({ tenant: 'evil' }) },
    binding_mismatch: { headers: mint({ cnf: {} }) },
    scope_insufficient: { path: '/scoped', headers: mint() },
    rule_denied: { path: '/claimed', headers: mint() },
  };
  let clients = 0;
  const cases = [
    ...Object.entries(forged).map(([reason, request]) => ({ reason, request, counts: true })),
    ...Object.entries(honest).map(([reason, request]) => ({ reason, request, counts: false })),
  ];
  for (const { reason, request, counts } of cases) {
    const localAddress = `127.0.2.${++clients}`;
    await scene.refuses(t, reason, { ...request, localAddress }, reason as Refused);
    const next = { headers: mint(), localAddress };
    if (counts) await scene.refuses(t, `the one after ${reason}`, next, 'client_blocked');
    else await scene.allows(t, `the one after ${reason}`, next);
  }
  const elsewhere = { path: '/other', headers: mint(), localAddress: '127.0.3.1' };
  await scene.refuses(t, 'an issuer that the rule does not accept', elsewhere, 'issuer_unknown');
  await scene.refuses(t, 'the one after it', { ...elsewhere, headers: mint(), path: '/' }, 'client_blocked');
});

t.test('who a client is', async (t) => {
  const failureLimit = { max: 1, ipv4Prefix: 24, ipv6Prefix: 64, maxClients: 8 };
  const direct = await startScene(t, { failureLimit, listen: { trustedProxies: ['10.0.0.0/8'] } });
  const from = (scene: typeof direct, address: string, token = scene.issuer.mint()) => ({
    headers: { ...bearer(token), 'x-forwarded-for': address },
  });
  await direct.refuses(t, 'a forgery', from(direct, '198.51.100.7', 'x'), 'token_malformed');
  await direct.refuses(
    t,
    'whatever a stranger says of its address',
    from(direct, '203.0.113.9'),
    'client_blocked',
  );
  const neighbor = { headers: bearer(direct.issuer.mint()), localAddress: '127.0.0.77' };
  await direct.refuses(t, 'its neighbor in the network', neighbor, 'client_blocked');
  await direct.allows(t, 'the next network', { ...neighbor, localAddress: '127.0.1.1' });

  const behind = await startScene(t, {
    failureLimit,
    listen: { trustedProxies: ['127.0.0.0/8', '10.0.0.0/8'] },
  });
  await behind.refuses(t, 'a forgery', from(behind, '198.51.100.7', 'x'), 'token_malformed');
  await behind.refuses(t, 'the same client', from(behind, '198.51.100.7'), 'client_blocked');
  await behind.refuses(t, 'as a mapped address', from(behind, '::ffff:198.51.100.7'), 'client_blocked');
  await behind.refuses(t, 'through another proxy', from(behind, '198.51.100.7, 10.1.2.3'), 'client_blocked');
  await behind.refuses(
    t,
    'with a lie before it',
    from(behind, '203.0.113.9, 198.51.100.7'),
    'client_blocked',
  );
  await behind.allows(t, 'another client', from(behind, '203.0.113.9'));
  await behind.allows(t, 'that one, with the lie before', from(behind, '198.51.100.7, 203.0.113.9'));
  await behind.allows(t, 'the proxy itself', { headers: bearer(behind.issuer.mint()) });
  await behind.refuses(t, 'an IPv6 forgery', from(behind, '2001:db8::1', 'x'), 'token_malformed');
  await behind.refuses(t, 'from all of its /64', from(behind, '2001:db8::ffff:1'), 'client_blocked');
  await behind.allows(t, 'and not from the next', from(behind, '2001:db8:0:1::1'));

  for (let net = 0; net < 30; net++) {
    const answer = await behind.gateway.request(from(behind, `192.0.${net}.1`, `x${net}`));
    assertRefused(t, `network ${net}`, answer, 'token_malformed');
  }
  t.ok((await behind.gateway.metric(blocked)) <= 8, 'no more of them are remembered than allowed');
});

t.test('forged tokens that come all at once', async (t) => {
  const { issuer, ...scene } = await startScene(t, { failureLimit: { max: 5 } });
  const { kid } = issuer.signingKey;
  const stranger = await makeKey();
  const forged = Array.from({ length: 40 }, () => issuer.mint({ header: { kid }, key: stranger }));
  const answers = await Promise.all(forged.map((token) => scene.gateway.get('/', token)));
  t.ok(answers.every(({ status }) => status === 401 || status === 429));
  t.equal(await scene.gateway.metric(blocks), 1, 'begin one block');
  t.equal(scene.echo.seen.length, 0);
  await scene.refuses(t, 'which then holds', { headers: bearer(issuer.mint()) }, 'client_blocked');
});

t.test('no limit', async (t) => {
  const { issuer, ...scene } = await startScene(t, { failureLimit: null });
  for (let i = 0; i < 30; i++)
    await scene.refuses(t, 'a forgery', { headers: bearer(`x${i}`) }, 'token_malformed');
  await scene.allows(t, 'after thirty of them', { headers: bearer(issuer.mint()) });
});
