import t from 'tap';
import type { RequestOptions } from '../helpers/request.ts';
import { bearer, type Sighting, startScene, type Verdicts } from './scene.ts';

const sources = [
  { type: 'bearer' },
  { type: 'cookie', name: 'session' },
  { type: 'header', name: 'X-Assertion' },
] as const;

const rules = [
  { path: '/open/*', auth: 'none' },
  { path: '/optional/*', auth: 'optional' },
] as const;

t.test('where a token is found', async (t) => {
  const { issuer, ...scene } = await startScene(t, { token: { sources }, rules, failureLimit: null });
  const token = issuer.mint();
  const authorization = (value: string) => ({ headers: { authorization: value } });
  const lines = (...headers: [name: string, value: string][]) => ({ headers });
  const table: Verdicts<RequestOptions> = {
    ok: {
      bearer: authorization(`Bearer ${token}`),
      'in lower case': authorization(`bearer ${token}`),
      'in capitals': authorization(`BEARER ${token}`),
      'after several spaces': authorization(`bEaReR    ${token}`),
      'a cookie': { headers: { cookie: `session=${token}` } },
      'a cookie among others': { headers: { cookie: `a=1; session=${token}; b=2` } },
      'a cookie in quotes': { headers: { cookie: `session="${token}"` } },
      'a cookie in a line of its own': lines(['Cookie', 'a=1'], ['Cookie', `session=${token}`]),
      'a header': { headers: { 'x-assertion': token } },
      'a cookie, beside another scheme': lines(
        ['Authorization', 'Basic eA=='],
        ['Cookie', `session=${token}`],
      ),
      'bearer, beside an empty cookie': { headers: { ...bearer(token), cookie: 'session=' } },
      'bearer, beside an empty header': { headers: { ...bearer(token), 'x-assertion': '' } },
      'bearer, beside a cookie of a longer name': {
        headers: { ...bearer(token), cookie: `session2=${token}` },
      },
      'bearer, beside a cookie': { headers: { ...bearer(token), cookie: `session=${token}` } },
      'bearer, beside a cookie that is no token': { headers: { ...bearer(token), cookie: 'session=bad' } },
      'bearer, beside a header': { headers: { ...bearer(token), 'x-assertion': 'bad' } },
      'a cookie, beside a header': { headers: { cookie: `session=${token}`, 'x-assertion': 'bad' } },
      'all three': {
        headers: { ...bearer(token), cookie: `session=${token}`, 'x-assertion': token },
      },
      'bearer on an unsafe method, beside a cookie': {
        method: 'POST',
        headers: { ...bearer(token), cookie: `session=${token}` },
      },
      'bearer, beside a cookie of a name in capitals': {
        headers: { ...bearer(token), cookie: `SESSION=${token}` },
      },
    },
    token_missing: {
      'no header at all': {},
      'another scheme': authorization(`Basic ${token}`),
      'a scheme that only begins so': authorization(`BearerToken ${token}`),
      'no scheme': authorization(token),
      'an empty header': authorization(''),
      'an empty cookie': { headers: { cookie: 'session=' } },
      'a cookie of another name': { headers: { cookie: `xsession=${token}` } },
      'a cookie without a value': { headers: { cookie: 'session' } },
      'an empty header source': { headers: { 'x-assertion': '' } },
      'the query': { path: `/x?access_token=${token}` },
      'the body': {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: `access_token=${token}`,
      },
      'a proxy’s header': { headers: { 'proxy-authorization': `Bearer ${token}` } },
    },
    token_malformed: {
      'the scheme alone': authorization('Bearer'),
      'the scheme and a space': authorization('Bearer '),
      'a tab after it': authorization(`Bearer\t${token}`),
      'a tab after the space': authorization(`Bearer \t${token}`),
      'a colon after it': authorization(`Bearer: ${token}`),
      'an equals sign after it': authorization(`Bearer=${token}`),
      'quotes around it': authorization(`Bearer "${token}"`),
      'two, with a comma': authorization(`Bearer ${token}, Bearer ${token}`),
      'two, with a space': authorization(`Bearer ${token} ${token}`),
      'a parameter after it': authorization(`Bearer ${token}, realm="x"`),
      'percent-encoded in a cookie': { headers: { cookie: `session=${token.replaceAll('.', '%2E')}` } },
      'with its scheme in a header source': { headers: { 'x-assertion': `Bearer ${token}` } },
      'a bad one, before a good one in a cookie': {
        headers: { ...bearer('bad'), cookie: `session=${token}` },
      },
      'the scheme alone, before a good one in a cookie': {
        headers: { authorization: 'Bearer', cookie: `session=${token}` },
      },
      'a bad cookie, before a good header': { headers: { cookie: 'session=bad', 'x-assertion': token } },
    },
    token_ambiguous: {
      'two equal lines': lines(['Authorization', `Bearer ${token}`], ['authorization', `Bearer ${token}`]),
      'two schemes': lines(['Authorization', 'Basic eA=='], ['Authorization', `Bearer ${token}`]),
      'an empty line more': lines(['Authorization', `Bearer ${token}`], ['Authorization', '']),
      'a cookie twice in a line': { headers: { cookie: `session=${token}; session=${token}` } },
      'a cookie twice in two lines': lines(['Cookie', `session=${token}`], ['Cookie', `session=${token}`]),
      'a header twice': lines(['X-Assertion', token], ['x-assertion', token]),
      'a cookie twice, beside bearer': {
        headers: { ...bearer(token), cookie: `session=${token}; session=${token}` },
      },
      'a header twice, beside bearer': lines(
        ['Authorization', `Bearer ${token}`],
        ['X-Assertion', token],
        ['x-assertion', token],
      ),
      'bearer twice, beside a cookie': lines(
        ['Authorization', `Bearer ${token}`],
        ['Authorization', `Bearer ${token}`],
        ['Cookie', `session=${token}`],
      ),
    },
  };
  await scene.judges(t, table, (request) => request);
  const { ok, token_missing, ...bad } = table;
  await scene.judges(t, bad, (request) => ({ ...request, path: '/optional/x' }));
  for (const [name, request] of Object.entries(token_missing ?? {})) {
    const seen = await scene.allows(t, `optional, ${name}`, { ...request, path: '/optional/x' });
    t.notOk(
      seen.names.some((each) => each.startsWith('x-verified')),
      `${name}: nobody is named`,
    );
  }
  for (const named of Object.values(table)) {
    for (const [name, request] of Object.entries(named)) {
      await scene.allows(t, `auth none, ${name}`, { ...request, path: '/open/x' });
    }
  }
});

t.test('the order of the config decides, and no token of any source goes further', async (t) => {
  const names = ['authorization', 'cookie', 'x-assertion'];
  const orders = [
    [0, 1, 2],
    [1, 0, 2],
    [2, 1, 0],
  ];
  for (const order of orders) {
    const listed = order.map((at) => sources[at] ?? sources[0]);
    const { issuer, ...scene } = await startScene(t, { token: { sources: listed }, rules });
    const carry = (tokens: readonly string[]) => ({
      authorization: `Bearer ${tokens[0]}`,
      cookie: `a=1; session=${tokens[1]}`,
      'x-assertion': `${tokens[2]}`,
    });
    const subjects = ['bearer', 'cookie', 'header'];
    const tokens = subjects.map((sub) => issuer.mint({ claims: { sub } }));
    for (const path of ['/x', '/optional/x']) {
      const seen = await scene.allows(t, `${order} at ${path}`, { path, headers: carry(tokens) });
      t.equal(seen.header('x-verified-subject'), subjects[order[0] ?? 0], 'the first listed decides');
      t.strictSame(
        names.map((name) => seen.header(name)),
        [undefined, 'a=1', undefined],
        'none is left',
      );
    }
    const open = await scene.allows(t, `${order} where none is looked for`, {
      path: '/open/x',
      headers: carry(tokens),
    });
    t.strictSame(
      names.map((name) => open.header(name)),
      [`Bearer ${tokens[0]}`, `a=1; session=${tokens[1]}`, tokens[2]],
    );
    const bad = tokens.map((token, at) => (at === order[0] ? `${token}x` : token));
    await scene.refuses(t, `${order}, the first one bad`, { headers: carry(bad) }, 'token_malformed');
  }
});

t.test('a cookie is asked for its origin where it decides, and not beside a token that does', async (t) => {
  const { issuer, ...scene } = await startScene(t, {
    token: { sources: [{ type: 'cookie', name: 'session' }, { type: 'bearer' }] },
  });
  const token = issuer.mint();
  const both = { method: 'POST', headers: { ...bearer(token), cookie: `session=${token}` } };
  await scene.refuses(t, 'the cookie decides', both, 'csrf_rejected');
  await scene.allows(t, 'bearer alone', { method: 'POST', headers: bearer(token) });
});

t.test('tokens in two sources are refused where the upstream gets them too', async (t) => {
  const { issuer, ...scene } = await startScene(t, {
    token: { sources },
    rules,
    identity: { forwardToken: true },
  });
  const token = issuer.mint();
  const table: Verdicts<RequestOptions> = {
    ok: {
      bearer: { headers: bearer(token) },
      'bearer, beside an empty cookie': { headers: { ...bearer(token), cookie: 'session=' } },
      'a cookie, beside another scheme': {
        headers: { cookie: `session=${token}`, authorization: 'Basic eA==' },
      },
    },
    token_ambiguous: {
      'bearer and cookie': { headers: { ...bearer(token), cookie: `session=${token}` } },
      'bearer and header': { headers: { ...bearer(token), 'x-assertion': token } },
      'cookie and header': { headers: { cookie: `session=${token}`, 'x-assertion': token } },
      'a good one and a bad one': { headers: { ...bearer(token), cookie: 'session=bad' } },
      'two of them on an optional rule': {
        path: '/optional/x',
        headers: { ...bearer(token), cookie: `session=${token}` },
      },
    },
  };
  await scene.judges(t, table, (request) => request);
});

t.test('an expired token from a cookie counts as none where a token is optional', async (t) => {
  const { issuer, ...scene } = await startScene(t, {
    token: { sources: [{ type: 'cookie', name: 'session' }, sources[0], sources[2]] },
    rules,
    failureLimit: { max: 1 },
  });
  const { gateway } = scene;
  const expired = issuer.mint({ claims: { exp: 1000, iat: 1 } });
  const good = issuer.mint();
  const forged = `${expired.slice(0, -8)}AAAAAAAA`;
  const path = '/optional/x';
  const cookie = (token: string) => ({ cookie: `a=1; session=${token}` });
  const seen = await scene.allows(t, 'alone', { path, headers: cookie(expired) });
  t.equal(seen.header('cookie'), 'a=1', 'it is taken off');
  t.notOk(
    seen.names.some((name) => name.startsWith('x-verified')),
    'nobody is named',
  );
  t.match(await gateway.line(seen.header('x-request-id')), { issuer: 'none', sub: undefined, cached: false });
  for (const next of [bearer(good), { 'x-assertion': good }]) {
    const headers = { ...cookie(expired), ...next };
    const seen = await scene.allows(t, 'beside a good one, which decides', { path, headers });
    t.equal(seen.header('x-verified-subject'), 'subject');
    t.strictSame(
      ['authorization', 'cookie', 'x-assertion'].map((name) => seen.header(name)),
      [undefined, 'a=1', undefined],
    );
  }
  const same = { 'sec-fetch-site': 'same-origin' };
  await scene.allows(t, 'POST of the same origin', {
    path,
    method: 'POST',
    headers: { ...cookie(expired), ...same },
  });
  const table: Verdicts<RequestOptions> = {
    csrf_rejected: { 'POST from elsewhere': { path, method: 'POST', headers: cookie(expired) } },
    token_expired: {
      'where one is required': { headers: cookie(expired) },
      'a bearer token': { path, headers: bearer(expired) },
      'a header': { path, headers: { 'x-assertion': expired } },
      'beside an expired bearer token': { path, headers: { ...cookie(expired), ...bearer(expired) } },
    },
    token_ambiguous: {
      'two of them': { path, headers: { cookie: `session=${expired}; session=${expired}` } },
    },
    token_not_yet_valid: {
      'a cookie of tomorrow': { path, headers: cookie(issuer.mint({ claims: { nbf: 4e9 } })) },
    },
    audience_mismatch: {
      'a cookie for others': { path, headers: cookie(issuer.mint({ claims: { aud: 'x' } })) },
    },
    signature_invalid: { 'a forged one': { path, headers: cookie(forged) } },
  };
  await scene.judges(t, table, (request) => request);
  await scene.refuses(t, 'after the forged one', { path, headers: bearer(issuer.mint()) }, 'client_blocked');
});

t.test('a token of nearly 16 KiB is read, with another one of that size beside it', async (t) => {
  const { issuer, ...scene } = await startScene(t, { token: { sources } });
  const { length } = issuer.mint({ claims: { groups: [''] } });
  const large = issuer.mint({
    claims: { groups: ['g'.repeat(Math.floor(((16_384 - length) * 3) / 4) - 3)] },
  });
  t.ok(large.length > 16_300 && large.length <= 16_384, `${large.length} bytes`);
  const seen = await scene.allows(t, 'bearer', { headers: bearer(large) });
  t.equal(seen.header('authorization'), undefined);
  const both = { ...bearer(large), cookie: `session=${large.slice(0, 15_000)}` };
  await scene.allows(t, 'two of them', { headers: both });
  await scene.refuses(
    t,
    'a larger one',
    { headers: bearer(`${large}${'A'.repeat(100)}`) },
    'token_too_large',
  );
});

t.test('a source that is not configured is not read', async (t) => {
  const { issuer, ...scene } = await startScene(t, {
    token: { sources: [{ type: 'header', name: 'X-Assertion' }] },
    failureLimit: null,
  });
  const token = issuer.mint();
  await scene.refuses(t, 'bearer', { headers: bearer(token) }, 'token_missing');
  await scene.refuses(t, 'a cookie', { headers: { cookie: `session=${token}` } }, 'token_missing');
  const seen = await scene.allows(t, 'the header', { headers: { 'x-assertion': token, ...bearer('mine') } });
  t.equal(seen.header('authorization'), 'Bearer mine', 'what is no token of ours passes');
});

t.test('what the upstream sees of the token', async (t) => {
  const cookies = (token: string) => `a="1"; session=${token};b=2;  sessions=3; a=1`;
  const carriers = {
    bearer: { send: bearer, left: undefined, name: 'authorization' },
    cookie: {
      send: (token: string) => ({ cookie: cookies(token) }),
      left: 'a="1";b=2;  sessions=3; a=1',
      name: 'cookie',
    },
    'cookie alone': {
      send: (token: string) => ({ cookie: `session=${token}` }),
      left: undefined,
      name: 'cookie',
    },
    header: { send: (token: string) => ({ 'X-Assertion': token }), left: undefined, name: 'x-assertion' },
  };
  const taking = await startScene(t, { token: { sources }, rules });
  const keeping = await startScene(t, { token: { sources }, rules, identity: { forwardToken: true } });
  for (const [name, { send, left, name: header }] of Object.entries(carriers)) {
    for (const scene of [taking, keeping]) {
      const headers: Record<string, string> = send(scene.issuer.mint());
      const whole = Object.values(headers)[0];
      const see = (path: string): Promise<Sighting> =>
        scene.allows(t, `${name} at ${path}`, { path, headers });
      for (const path of ['/x', '/optional/x']) {
        const seen = await see(path);
        t.equal(seen.header(header), scene === keeping ? whole : left, `${name} at ${path}`);
        t.equal(seen.header('x-verified-subject'), 'subject', `${name} at ${path} is verified`);
      }
      const open = await see('/open/x');
      t.equal(open.header(header), whole, `${name} stays where none is looked for`);
      t.equal(open.header('x-verified-subject'), undefined, `${name} is believed nowhere else`);
    }
  }
  const { issuer, ...scene } = taking;
  const spelled = await scene.allows(t, 'a second spelling', {
    headers: { 'X-Assertion': issuer.mint(), X_Assertion: 'x', 'x.assertion': 'x' },
  });
  t.notOk(
    spelled.names.some((each) => each.startsWith('x') && each.endsWith('assertion')),
    'nor does another spelling of its header pass',
  );
  const other = await scene.allows(t, 'another scheme', {
    headers: { cookie: `session=${issuer.mint()}`, authorization: 'Basic dXNlcjpwYXNz' },
  });
  t.equal(other.header('authorization'), 'Basic dXNlcjpwYXNz', 'what is not the token stays');
});
