import { EventEmitter, once } from 'node:events';
import type { ServerResponse } from 'node:http';
import t, { type Test } from 'tap';
import type { Status } from '../../src/status.ts';
import { request } from '../helpers/request.ts';
import { bearer, startScene } from './scene.ts';
import { deadUrl, startUpstream } from './wire.ts';

async function start(
  t: Test,
  ...options: Parameters<typeof startScene> extends [Test, ...infer R] ? R : never
) {
  const scene = await startScene(t, ...options);
  const read = async () =>
    (await request(scene.gateway.admin, { path: '/api/status' })).json() as unknown as Status;
  const page = async () => (await request(scene.gateway.admin, { path: '/' })).text;
  return { ...scene, read, page };
}

const open = { auth: 'none' as const };

t.test('upstreams are shown with what requests have met there', async (t) => {
  const dead = await deadUrl();
  const asked = new EventEmitter();
  const slow = await startUpstream(t, (_request, response) => void asked.emit('request', response));
  const { gateway, echo, read, page } = await start(t, {
    upstreams: {
      dead: `${dead}/base/`,
      slow: { url: slow, connections: 2 },
      toString: dead,
    },
    rules: [
      { path: '/dead', ...open, upstream: 'dead' },
      { path: '/slow', ...open, upstream: 'slow' },
      { path: '/*', ...open },
    ],
  });
  const unused = {
    state: 'unused',
    lastAnswer: null,
    lastError: null,
    failedInRow: 0,
    errors: {},
    connections: { inUse: 0, waiting: 0, most: 256 },
  };
  t.strictSame((await read()).upstreams, [
    { name: 'default', url: echo.url, ...unused },
    { name: 'dead', url: `${dead}/base`, ...unused },
    { name: 'slow', url: slow, ...unused, connections: { inUse: 0, waiting: 0, most: 2 } },
    { name: 'toString', url: dead, ...unused },
  ]);

  await gateway.get('/x');
  for (let i = 0; i < 3; i++) await gateway.get('/dead');
  const arrived = once(asked, 'request') as Promise<[ServerResponse]>;
  const cut = gateway.get('/slow');
  const [response] = await arrived;
  const [standard, down, busy] = (await read()).upstreams;
  t.match(standard, { state: 'answers', lastAnswer: /^\d{4}-.*Z$/, errors: {}, failedInRow: 0 });
  t.match(down, {
    state: 'fails',
    lastAnswer: null,
    lastError: { reason: 'upstream_unreachable', at: /^\d{4}-.*Z$/ },
    failedInRow: 3,
    errors: { upstream_unreachable: 3 },
  });
  t.match(busy, { state: 'unused', connections: { inUse: 1, waiting: 0, most: 2 } });
  response.destroy();
  t.equal((await cut).status, 502);
  const shown = await page();
  t.match(shown, 'Fails.');
  t.match(shown, `${dead}/base`);
  t.match(shown, 'Ready, but</b> 2 upstreams have failed their last requests.');

  asked.once('request', (again: ServerResponse) => again.end());
  t.equal((await gateway.get('/slow')).status, 200);
  t.match(
    (await read()).upstreams[2],
    { state: 'answers', failedInRow: 0, errors: { upstream_unreachable: 1 }, lastError: { at: String } },
    'an answer ends what failed before it',
  );
});

t.test('what an upstream has met outlives a reload that leaves it as it is', async (t) => {
  const { gateway, issuer, echo, read } = await start(t, { rules: [{ path: '/*', ...open }] });
  const base = {
    issuers: [{ issuer: issuer.issuer, audience: issuer.audience }],
    rules: [{ path: '/*', ...open }],
  };
  await gateway.get('/x');
  await gateway.reload({ ...base, upstream: echo.url, mode: 'report' });
  t.match((await read()).upstreams, [{ state: 'answers' }]);
  await gateway.reload({ ...base, upstream: { url: echo.url, connections: 7 } });
  t.match((await read()).upstreams, [{ state: 'unused', connections: { most: 7 } }]);
});

t.test('traffic is told apart by rule, issuer and upstream', async (t) => {
  const { gateway, issuer, read, page } = await start(t, {
    rules: [
      { name: 'open', path: '/open', ...open },
      { name: 'scoped', path: '/scoped', scopes: ['none:such'] },
      { path: '/third', ...open },
    ],
  });
  for (let i = 0; i < 3; i++) await gateway.get('/open');
  await gateway.get('/third');
  await gateway.get('/scoped', issuer.mint());
  await gateway.request({ path: '/x', headers: bearer('junk') });
  for (let i = 0; i < 2; i++) await gateway.get('/x', issuer.mint());
  const { history } = await read();
  const rules = new Map(history.rules.map(({ rule, ...counts }) => [rule, counts]));
  t.strictSame(Object.fromEntries(rules), {
    open: { requests: 3, clientErrors: 0, serverErrors: 0 },
    2: { requests: 1, clientErrors: 0, serverErrors: 0 },
    scoped: { requests: 1, clientErrors: 1, serverErrors: 0 },
    default: { requests: 3, clientErrors: 1, serverErrors: 0 },
  });
  t.strictSame(history.issuers, [
    { issuer: 'none', allowed: 4, reported: 0, denied: 1 },
    { issuer: issuer.issuer, allowed: 2, reported: 0, denied: 1 },
  ]);
  t.match(history.upstreams, [{ upstream: 'default', answered: 6, answerMs: { p50: Number, p99: Number } }]);
  t.match(await page(), /By rule[\s\S]*scoped[\s\S]*By issuer/);
});

t.test('there is one form of a moment and one of a length of time', async (t) => {
  const { gateway, issuer, echo, read } = await start(t, {
    failureLimit: { max: 1 },
    upstreams: { dead: await deadUrl() },
    rules: [
      { path: '/dead', ...open, upstream: 'dead' },
      { path: '/report', mode: 'report', scopes: ['none:such'] },
    ],
  });
  await gateway.get('/x', issuer.mint());
  await gateway.get('/dead');
  await gateway.get('/report', issuer.mint());
  await gateway.request({ path: '/x', headers: bearer('junk') });
  await gateway.reload({ upstream: echo.url, nonsense: 1 } as never).catch(() => {});
  const moments: string[] = [];
  const durations: string[] = [];
  const walk = (value: unknown, path: string): void => {
    if (typeof value === 'object' && value !== null) {
      for (const [key, each] of Object.entries(value)) walk(each, `${path}.${key}`);
    } else if (typeof value === 'string' && /\d\d:\d\d/.test(value) && !value.includes('://')) {
      t.match(value, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, path);
      moments.push(path);
    } else if (typeof value === 'number') {
      t.ok(value < 1e12, `${path} is no moment`);
      if (/Ms\b/.test(path)) durations.push(path);
      t.notMatch(path, /seconds?$|minutes?$|age$|elapsed$|uptime$|duration$/i);
    }
  };
  const status = await read();
  walk(status, 'status');
  for (const name of [
    'now',
    'startedAt',
    'modeSince',
    'config.loadedAt',
    'config.lastReload.at',
    'issuers.0.lastSuccess',
    'upstreams.1.lastError.at',
    'reporting.rows.0.lastSeen',
    'failureLimit.blockedClients.0.until',
    'history.endedAt',
  ])
    t.ok(moments.includes(`status.${name}`), name);
  for (const name of [
    'uptimeMs',
    'issuers.0.ageMs',
    'issuers.0.nextRefreshMs',
    'issuers.0.maxStaleMs',
    'history.durationMs',
    'history.requestMs.p50',
    'history.upstreams.0.answerMs.p50',
  ])
    t.ok(durations.includes(`status.${name}`), name);
});

t.test('a failed reload stands first, until one succeeds', async (t) => {
  const { gateway, issuer, echo, read, page } = await start(t);
  const good = { upstream: echo.url, issuers: [{ issuer: issuer.issuer, audience: issuer.audience }] };
  await t.rejects(gateway.reload({ ...good, mode: 'enforced' } as never));
  const shown = await page();
  t.match(shown, '<b>Ready, but</b> the last reload of the config failed.');
  t.match(shown, /<title>Ready, but/);
  const notice = shown.indexOf('id="reload-failed"');
  t.ok(notice > 0 && notice < shown.indexOf('id="traffic"'), 'its faults stand before the traffic');
  const [fault = ''] = (await read()).config.lastReload?.faults ?? [];
  t.match(fault, /mode/);
  t.ok(shown.indexOf('<li>mode') > notice);
  await gateway.reload(good);
  t.notMatch(await page(), /reload-failed|Ready, but/);
});

t.test('URLs are shown without user and query', async (t) => {
  const down = await deadUrl();
  const issuer = { issuer: 'https://other.example', audience: 'a' };
  const others = [{ ...issuer, jwksUri: `${down}/jwks?key=a-secret-key#a-secret-part` }];
  const { read, page, gateway } = await start(t, {}, { others });
  const user = down.replace('http://', 'http://someone:a-secret-word@');
  await t.rejects(gateway.reload({ upstream: `${user}/?b=a-secret-key`, issuers: [issuer] }));
  const status = await read();
  t.equal(status.issuers[1]?.source, `${down}/jwks`);
  t.ok(status.issuers[1]?.lastError);
  t.ok(status.config.lastReload?.faults.length);
  for (const text of [JSON.stringify(status), await page()]) t.notMatch(text, /a-secret/);
});
