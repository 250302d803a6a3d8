import t from 'tap';
import { makeKey } from '../helpers/key.ts';
import type { RequestOptions } from '../helpers/request.ts';
import { bearer, startScene, type Verdicts } from './scene.ts';

t.test('none, optional, required', async (t) => {
  const { issuer, ...scene } = await startScene(t, {
    rules: [
      { path: '/none', auth: 'none' },
      { path: '/optional', auth: 'optional' },
      { path: '/optional-scoped', auth: 'optional', scopes: ['orders:admin'] },
      { path: '/required' },
    ],
    failureLimit: null,
  });
  const stranger = await makeKey();
  const { kid } = issuer.signingKey;
  const good = issuer.mint();
  const spoofed = { 'X-Verified-Subject': 'root', x_verified_scope: 'all', 'X.Verified.Issuer': 'me' };
  const see = (path: string, token?: string) =>
    scene.allows(t, path, { path, headers: { ...spoofed, ...(token !== undefined && bearer(token)) } });
  const verified = (names: readonly string[]) => names.filter((name) => /^x.verified/.test(name));

  for (const token of [undefined, good, 'junk']) {
    t.same(verified((await see('/none', token)).names), [], 'none: nobody is named, whatever is sent');
  }
  t.same(verified((await see('/optional')).names), [], 'optional without a token: nobody');
  t.same(verified((await see('/optional-scoped')).names), [], 'nor is a scope asked of nobody');
  for (const path of ['/optional', '/required']) {
    t.equal((await see(path, good)).header('x-verified-subject'), 'subject', `${path} with one: its subject`);
  }
  const bad: Verdicts<string> = {
    token_malformed: { 'no token at all': 'junk', 'an empty one': '' },
    algorithm_not_allowed: { unsigned: issuer.mint({ header: { alg: 'none' } }) },
    issuer_unknown: { 'of an unknown issuer': issuer.mint({ claims: { iss: 'https://evil.example' } }) },
    key_unknown: { 'of an unknown key': issuer.mint({ header: { kid: 'x' } }) },
    signature_invalid: { forged: issuer.mint({ key: stranger, header: { kid } }) },
    token_expired: { expired: issuer.mint({ claims: { exp: 1 } }) },
    audience_mismatch: { 'for somebody else': issuer.mint({ claims: { aud: 'x' } }) },
    binding_mismatch: { bound: issuer.mint({ claims: { cnf: {} } }) },
  };
  for (const path of ['/optional', '/optional-scoped', '/required']) {
    await scene.judges(t, bad, (token) => ({ path, headers: { ...spoofed, ...bearer(token) } }));
  }
  const scoped = { path: '/optional-scoped', headers: bearer(good) };
  await scene.refuses(t, 'a token short of a scope is not nobody', scoped, 'scope_insufficient');
  await scene.refuses(t, 'required, without', { path: '/required' }, 'token_missing');
});

t.test('which rule decides', async (t) => {
  const { issuer, ...scene } = await startScene(t, {
    rules: [
      { name: 'get', path: '/things/*', methods: ['GET'], auth: 'none' },
      { name: 'write', path: '/things/*', methods: ['POST', 'PUT'], scopes: ['write'] },
      { name: 'first', path: '/x/open', auth: 'none' },
      { name: 'second', path: '/x/*' },
      { name: 'slash', path: '/x/open/', auth: 'none' },
      { name: 'exact', path: '/exact', auth: 'none' },
    ],
    unmatched: 'deny',
  });
  const headers = bearer(issuer.mint());
  const original = { 'X-Original-URL': '/x/open', 'X-Rewrite-URL': '/x/open', 'X-Forwarded-Uri': '/x/open' };
  const override = { 'X-HTTP-Method-Override': 'GET', 'X-HTTP-Method': 'GET', ...headers };
  const decides: Record<string, Verdicts<RequestOptions>> = {
    get: {
      ok: {
        'its method': { path: '/things/1' },
        'the path above': { path: '/things' },
        'the query plays no part': { path: '/things?x=/y' },
      },
    },
    write: {
      scope_insufficient: {
        'the method of the second': { method: 'PUT', path: '/things/1', headers },
        'a method override plays no part': { method: 'POST', path: '/things/1', headers: override },
      },
    },
    first: {
      ok: { 'the first that matches': { path: '/x/open' }, 'with a slash too': { path: '/x/open/' } },
    },
    second: {
      token_missing: {
        'the next that matches': { path: '/x/other' },
        'another URL in a header plays no part': { path: '/x/y', headers: original },
      },
    },
    default: {
      path_not_found: {
        'a method of no rule': { method: 'DELETE', path: '/things/1', headers },
        'nothing below an exact path': { path: '/exact/y' },
        'nothing that only begins so': { path: '/exactly' },
      },
      path_ambiguous: { 'a rule in another case': { path: '/EXACT' } },
    },
    exact: { ok: { 'an encoded letter': { path: '/%65xact' }, 'two slashes are one': { path: '//exact' } } },
  };
  for (const [rule, table] of Object.entries(decides)) {
    const before = scene.gateway.lines.length;
    await scene.judges(t, table, (request) => request);
    for (const line of scene.gateway.lines.slice(before)) t.equal(line.rule, rule, `${line.path} by ${rule}`);
  }
  t.equal(
    (await scene.gateway.request({ method: 'HEAD', path: '/things/1' })).status,
    200,
    'a rule for GET decides HEAD too',
  );
  t.equal(scene.echo.seen.at(-1)?.method, 'HEAD', 'and the upstream gets HEAD');
  await scene.gateway.request({ path: '//exact' });
  t.equal(scene.echo.seen.at(-1)?.url, '/exact', 'the upstream gets the path that was matched');
  t.equal(await scene.gateway.metric('jwks_sidecar_requests_total{rule="get",method="GET",status="200"}'), 3);
  t.equal(
    await scene.gateway.metric('jwks_sidecar_requests_total{rule="get",method="HEAD",status="200"}'),
    1,
  );
});

t.test('what no rule matches needs a token, unless denied', async (t) => {
  const { issuer, ...scene } = await startScene(t, { rules: [{ path: '/open', auth: 'none' }] });
  await scene.refuses(t, 'without', { path: '/x' }, 'token_missing');
  await scene.allows(t, 'with', { path: '/x', headers: bearer(issuer.mint()) });
  const bare = await startScene(t);
  await bare.refuses(t, 'no rules at all', { path: '/' }, 'token_missing');
  const denying = await startScene(t, { unmatched: 'deny' });
  await denying.refuses(t, 'denied', { headers: bearer(denying.issuer.mint()) }, 'path_not_found');
});

t.test('what a rule asks of a token', async (t) => {
  const { issuer, ...scene } = await startScene(t, {
    rules: [
      { path: '/any', anyScope: ['a', 'b'] },
      { path: '/all', scopes: ['a', 'b'] },
      { path: '/both', scopes: ['a'], anyScope: ['b', 'c'] },
      { path: '/roles', claims: { 'realm_access.roles': { contains: 'admin' } } },
      { path: '/url', claims: { '["https://x.example/level"]': { equals: 3 } } },
      { path: '/one', claims: { plan: { oneOf: ['pro', 'team'] }, beta: { exists: true } } },
      { path: '/mail', claims: { email: { matches: '[a-z]+@x\\.example' } } },
      { path: '/org', claims: { org: { prefix: 'eu/' }, blocked: { exists: false } } },
      { path: '/tenants/:tenant/*', claims: { tenant: { equals: '{tenant}' } } },
    ],
  });
  const level = 'https://x.example/level';
  const table: Verdicts<{ path: string; claims: Record<string, unknown> }> = {
    ok: {
      'any scope': { path: '/any', claims: { scope: 'x b' } },
      'all scopes': { path: '/all', claims: { scope: 'b x a' } },
      'all as a list in scp': { path: '/all', claims: { scope: undefined, scp: ['b', 'a'] } },
      'one and one of two': { path: '/both', claims: { scope: 'a c' } },
      'a role in a list': { path: '/roles', claims: { realm_access: { roles: ['x', 'admin'] } } },
      'a role as a word': { path: '/roles', claims: { realm_access: { roles: 'x admin' } } },
      'a number': { path: '/url', claims: { [level]: 3 } },
      'one of two values': { path: '/one', claims: { plan: 'team', beta: false } },
      'a text in full': { path: '/mail', claims: { email: 'me@x.example' } },
      'a beginning': { path: '/org', claims: { org: 'eu/acme' } },
      'the parameter': { path: '/tenants/acme/x', claims: { tenant: 'acme' } },
      'the parameter, decoded': { path: '/tenants/a%20b/x', claims: { tenant: 'a b' } },
      'the parameter in UTF-8': { path: '/tenants/%C3%A9/x', claims: { tenant: 'é' } },
    },
    scope_insufficient: {
      'neither scope': { path: '/any', claims: { scope: 'ab' } },
      'no scope at all': { path: '/any', claims: { scope: undefined } },
      'one of all': { path: '/all', claims: { scope: 'a' } },
      'a scope in another case': { path: '/all', claims: { scope: 'A b' } },
      'none of the any': { path: '/both', claims: { scope: 'a' } },
      'only one of the any': { path: '/both', claims: { scope: 'b c' } },
      'scp where scope is there': { path: '/all', claims: { scope: 'x', scp: 'a b' } },
    },
    rule_denied: {
      'a role that contains it': { path: '/roles', claims: { realm_access: { roles: ['admins'] } } },
      'a part of a word': { path: '/roles', claims: { realm_access: { roles: 'superadmin' } } },
      'roles one level too high': { path: '/roles', claims: { roles: ['admin'] } },
      'a name with a dot for a path': { path: '/roles', claims: { 'realm_access.roles': ['admin'] } },
      'a number as text': { path: '/url', claims: { [level]: '3' } },
      'a list around it': { path: '/url', claims: { [level]: [3] } },
      'one claim of two': { path: '/one', claims: { plan: 'team' } },
      'null is not there': { path: '/one', claims: { plan: 'pro', beta: null } },
      'a text around it': { path: '/mail', claims: { email: 'me@x.example.evil' } },
      'a line more': { path: '/mail', claims: { email: 'me@x.example\nx' } },
      'another beginning': { path: '/org', claims: { org: 'us/eu/' } },
      'what must not be there': { path: '/org', claims: { org: 'eu/', blocked: 'no' } },
      'another parameter': { path: '/tenants/evil/x', claims: { tenant: 'acme' } },
      'the parameter in capitals': { path: '/tenants/ACME/x', claims: { tenant: 'acme' } },
      'the template itself': { path: '/tenants/acme/x', claims: { tenant: '{tenant}' } },
      'a list with the parameter': { path: '/tenants/acme/x', claims: { tenant: ['acme'] } },
      'no claim for the parameter': { path: '/tenants/acme/x', claims: {} },
    },
  };
  await scene.judges(t, table, ({ path, claims }) => ({ path, headers: bearer(issuer.mint({ claims })) }));
  const short = await scene.gateway.get('/both', issuer.mint({ claims: { scope: 'x' } }));
  t.match(short.header('www-authenticate'), /scope="a[^"]*"/, 'the challenge names what is asked for');
});
