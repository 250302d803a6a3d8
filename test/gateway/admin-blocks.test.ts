import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { ConfigInput } from '../../src/config/schema.ts';
import { makeKey } from '../helpers/key.ts';
import { request } from '../helpers/request.ts';
import { holdClock } from './held-clock.ts';
import { bearer, startScene } from './scene.ts';

const secret = 'an-admin-token-of-32-bytes-or-so!!';
const holder = { authorization: `Bearer ${secret}` };
const strange = { host: 'a.example' };

async function start(t: Test, config: Partial<ConfigInput> = {}) {
  const folder = t.testdir({ token: secret });
  const clock = holdClock();
  const scene = await startScene(
    t,
    {
      admin: { tokenFile: join(folder, 'token') },
      listen: { trustedProxies: ['127.0.0.1'] },
      failureLimit: { max: 2, blockFor: '10m' },
      ...config,
    },
    { clock },
  );
  const { gateway, issuer } = scene;
  const stranger = await makeKey();
  const forged = () => issuer.mint({ header: { kid: issuer.signingKey.kid }, key: stranger });
  const from = (client: string, token: string) =>
    gateway.request({ headers: { ...bearer(token), 'x-forwarded-for': client } });
  return {
    ...scene,
    clock,
    /** The status of a good token from there. */
    async tries(client: string) {
      return (await from(client, issuer.mint())).status;
    },
    async fail(client: string, times = 2) {
      for (let i = 0; i < times; i++) await from(client, forged());
    },
    list: async (query = '', headers: Record<string, string> = holder) =>
      request(gateway.admin, { path: `/api/blocks${query}`, headers }),
    release: (network: string, headers: Record<string, string> = holder) =>
      request(gateway.admin, { method: 'DELETE', path: `/api/blocks/${network}`, headers }),
  };
}

t.test('blocked clients can be listed and released', async (t) => {
  const { clock, fail, tries, list, release, gateway } = await start(t);
  t.strictSame((await list()).json(), { blocks: [], total: 0 });
  await fail('192.0.2.1');
  clock.advance(60_000);
  await fail('2001:db8::77');
  const answer = await list();
  t.equal(answer.status, 200);
  t.match(answer.header('content-type'), /^application\/json/);
  t.strictSame(answer.json(), {
    blocks: [
      {
        network: '2001:db8::/64',
        since: new Date(clock.now()).toISOString(),
        until: new Date(clock.now() + 600_000).toISOString(),
        remainingMs: 600_000,
      },
      {
        network: '192.0.2.1',
        since: new Date(clock.now() - 60_000).toISOString(),
        until: new Date(clock.now() + 540_000).toISOString(),
        remainingMs: 540_000,
      },
    ],
    total: 2,
  });

  for (const { client, network } of [
    { client: '192.0.2.1', network: '192.0.2.1' },
    { client: '2001:db8::1', network: encodeURIComponent('2001:db8::/64') },
  ]) {
    t.equal(await tries(client), 429);
    const released = await release(network);
    t.equal(released.status, 204);
    t.equal(released.body.length, 0);
    t.equal(await tries(client), 200, `${client} is free`);
    await fail(client, 1);
    t.equal(await tries(client), 200, 'its count begins anew');
    await fail(client, 1);
    t.equal(await tries(client), 429, 'and ends as before');
    t.equal((await release(network)).status, 204);
    t.equal((await release(network)).status, 404, 'once');
  }
  t.strictSame((await list()).json(), { blocks: [], total: 0 });
  const lines = gateway.lines.filter(({ msg }) => msg === 'block released');
  t.match(lines[0], { level: 'info', network: '192.0.2.1' });
  t.equal(lines.length, 4, 'the log says so, each time');
});

t.test('a network can be written in more than one way', async (t) => {
  const { fail, tries, release } = await start(t);
  for (const network of [
    '2001:db8::/64',
    '2001:db8::%2f64',
    '2001%3Adb8%3A%3A%2F64',
    '2001:db8::abcd',
    '2001:DB8:0:0::',
  ]) {
    await fail('2001:db8::77');
    t.equal((await release(network)).status, 204, network);
    t.equal(await tries('2001:db8::1'), 200);
  }
  await fail('192.0.2.1');
  for (const network of [
    '192.0.2.2',
    '192.0.2.0%2f24',
    '192.0.2.1%2f',
    '*',
    '',
    '%2e%2e',
    'x'.repeat(500),
    '192.0.2.1,192.0.2.2',
  ])
    t.equal((await release(network)).status, 404, network);
  for (const network of ['%', '%zz']) t.equal((await release(network)).status, 400, network);
  t.equal(await tries('192.0.2.1'), 429);
});

t.test('the list is given in pages', async (t) => {
  const { fail, list } = await start(t);
  for (let i = 1; i <= 5; i++) await fail(`192.0.2.${i}`);
  const page = async (query: string) => {
    const { blocks, total } = (await list(query)).json() as { blocks: { network: string }[]; total: number };
    t.equal(total, 5);
    return blocks.map(({ network }) => network);
  };
  t.strictSame(await page('?limit=2'), ['192.0.2.5', '192.0.2.4'], 'the latest first');
  t.strictSame(await page('?limit=2&offset=4'), ['192.0.2.1']);
  t.strictSame(await page('?offset=5'), []);
  for (const query of [
    '?limit=0',
    '?limit=1001',
    '?limit=x',
    '?limit=',
    '?limit=1&limit=2',
    '?offset=-1',
    '?offset=1e3',
  ])
    t.equal((await list(query)).status, 400, query);
});

t.test('the token alone opens it', async (t) => {
  const { list, release, fail, tries } = await start(t);
  await fail('192.0.2.1');
  const cases = [
    { name: 'this machine', headers: {}, status: 401 },
    { name: 'this machine with another token', headers: { authorization: `Bearer ${secret}x` }, status: 401 },
    { name: 'another name', headers: strange, status: 401 },
    { name: 'the token by another name', headers: { ...strange, ...holder }, status: 200 },
  ];
  for (const { name, headers, status } of cases) {
    const listed = await list('', headers);
    t.equal(listed.status, status, name);
    if (status === 200) continue;
    t.match(listed.header('www-authenticate'), /^Bearer/);
    t.strictSame(listed.json(), { type: 'about:blank', title: 'Unauthorized', status });
    t.equal((await release('192.0.2.1', headers)).status, status, name);
    t.equal((await release('192.0.2.99', headers)).status, status, 'nor does it say who is blocked');
  }
  t.equal(await tries('192.0.2.1'), 429);
});

t.test('without a token file nobody may, and this machine is told why', async (t) => {
  const { list, release } = await start(t, { admin: {} });
  for (const headers of [{}, holder]) {
    const answer = await list('', headers);
    t.equal(answer.status, 403);
    t.match(answer.json(), { title: /admin\.tokenFile/ });
    t.equal((await release('192.0.2.1', headers)).status, 403);
    t.equal((await list('', { ...headers, ...strange })).status, 401);
  }
});

t.test('without a failure limit there is nobody to release', async (t) => {
  const { list, release } = await start(t, { failureLimit: null });
  t.strictSame((await list()).json(), { blocks: [], total: 0 });
  t.equal((await release('192.0.2.1')).status, 404);
});

t.test('tokenRequired asks this machine for the token too, from the next reload on', async (t) => {
  const { gateway, issuer, echo } = await start(t);
  const base = { upstream: echo.url, issuers: [{ issuer: issuer.issuer, audience: issuer.audience }] };
  const tokenFile = join(t.testdirName, 'token');
  const statuses = async (headers: Record<string, string> = {}) => {
    const ask = (path: string, method = 'GET', body = '') =>
      request(gateway.admin, {
        path,
        method,
        headers: { ...headers, 'content-type': 'application/json' },
        body,
      });
    const answers = await Promise.all([
      ask('/'),
      ask('/api/status'),
      ask('/api/explain', 'POST', '{"token":""}'),
    ]);
    t.equal((await ask('/readyz')).status, 200, 'what is open stays open');
    return answers.map(({ status }) => status);
  };
  t.strictSame(await statuses(), [200, 200, 200]);
  await gateway.reload({ ...base, admin: { tokenFile, tokenRequired: true } });
  t.strictSame(await statuses(), [401, 401, 401]);
  t.strictSame(await statuses(holder), [200, 200, 200]);
  await gateway.reload({ ...base, admin: { tokenFile } });
  t.strictSame(await statuses(), [200, 200, 200]);
  await t.rejects(gateway.reload({ ...base, admin: { tokenRequired: true } }), /tokenFile/);
});
