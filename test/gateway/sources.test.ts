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
    },
    token_ambiguous: {
      'two equal lines': lines(['Authorization', `Bearer ${token}`], ['authorization', `Bearer ${token}`]),
      'two schemes': lines(['Authorization', 'Basic eA=='], ['Authorization', `Bearer ${token}`]),
      'an empty line more': lines(['Authorization', `Bearer ${token}`], ['Authorization', '']),
      'a cookie twice in a line': { headers: { cookie: `session=${token}; session=${token}` } },
      'a cookie twice in two lines': lines(['Cookie', `session=${token}`], ['Cookie', `session=${token}`]),
      'a header twice': lines(['X-Assertion', token], ['x-assertion', token]),
      'bearer and cookie': { headers: { ...bearer(token), cookie: `session=${token}` } },
      'bearer and header': { headers: { ...bearer(token), 'x-assertion': token } },
      'cookie and header': { headers: { cookie: `session=${token}`, 'x-assertion': token } },
      'a good one and a bad one': { headers: { ...bearer('bad'), cookie: `session=${token}` } },
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
