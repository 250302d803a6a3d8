import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { ConfigInput } from '../../src/config/schema.ts';
import { request } from '../helpers/request.ts';
import { bearer, startScene } from './scene.ts';

const secret = 'an-admin-token-of-32-bytes-or-so--';
const holder = { authorization: `Bearer ${secret}` };
const form = { 'content-type': 'application/x-www-form-urlencoded' };
const own = { ...form, 'sec-fetch-site': 'same-origin' };
const client = '127.0.7.77';

async function start(t: Test, config: Partial<ConfigInput> = {}) {
  const folder = t.testdir({ token: secret });
  const scene = await startScene(t, {
    admin: { tokenFile: join(folder, 'token') },
    failureLimit: { max: 1, blockFor: '1h' },
    ...config,
  });
  const { gateway } = scene;
  const block = () => gateway.request({ headers: bearer('x'), localAddress: client });
  await block();
  const ask = (path: string, headers: Record<string, string> = {}, more: object = {}) =>
    request(gateway.admin, { path, headers, ...more });
  return {
    ...scene,
    block,
    ask,
    post: (fields: Record<string, string>, headers: Record<string, string> = own) =>
      ask('/blocks', headers, { method: 'POST', body: new URLSearchParams(fields).toString() }),
    isBlocked: async () =>
      (await gateway.request({ headers: bearer('y'), localAddress: client })).status === 429,
  };
}

t.test('a client is shown in full, and released, to who types the admin token', async (t) => {
  const { ask, post, isBlocked, gateway } = await start(t);
  const masked = await ask('/');
  t.match(masked.text, '127.0.7.x');
  t.notMatch(masked.text, client);
  t.match(masked.text, /<input id="admin-token" name="token" type="password"/);

  const shown = await post({ token: secret, show: '1' });
  t.equal(shown.status, 200);
  t.match(shown.text, `value="${client}"`);
  t.match(shown.header('content-security-policy'), /^default-src 'none'/);
  t.equal(await isBlocked(), true, 'to show releases nobody');

  const released = await post({ token: ` ${secret} `, release: client });
  t.equal(released.status, 200);
  t.match(released.text, `${client} is released: its count begins anew.`);
  t.match(released.text, 'Nobody is blocked.');
  t.match(await gateway.lineWhere(({ msg }) => msg === 'block released'), { network: client });
  t.match((await post({ token: secret, release: client })).text, `${client} is not blocked.`);
  for (const { text } of [shown, released]) t.notOk(text.includes(secret), 'the token is not sent back');
});

t.test('to who sends the token with every request the page shows clients in full at once', async (t) => {
  const { ask, post, isBlocked } = await start(t, { listen: { trustedProxies: [] } });
  const shown = await ask('/', { ...holder, host: 'a.example' });
  t.match(shown.text, `value="${client}"`);
  t.notMatch(shown.text, 'type="password"');
  const released = await post({ release: client }, { ...own, ...holder, host: 'a.example' });
  t.equal(released.status, 200);
  t.equal(await isBlocked(), false);
});

t.test('nobody else can release or see a client', async (t) => {
  const { post, ask, isBlocked, gateway } = await start(t);
  const { host } = new URL(gateway.admin);
  const good = { token: secret, release: client };
  const cases = [
    { name: 'no token', fields: { release: client }, headers: own, status: 403 },
    { name: 'an empty one', fields: { ...good, token: '' }, headers: own, status: 403 },
    { name: 'another one', fields: { ...good, token: secret.replace('a', 'b') }, headers: own, status: 403 },
    { name: 'a part of it', fields: { ...good, token: secret.slice(1) }, headers: own, status: 403 },
    { name: 'only to look', fields: { show: '1' }, headers: own, status: 403 },
    {
      name: 'a wrong token in the head',
      fields: { release: client },
      headers: { ...own, authorization: 'Bearer x' },
      status: 403,
    },
    { name: 'another site', fields: good, headers: { ...form, 'sec-fetch-site': 'cross-site' }, status: 403 },
    {
      name: 'another site with the head of ours',
      fields: good,
      headers: { ...form, ...holder, origin: 'https://evil.example' },
      status: 403,
    },
    { name: 'nobody', fields: good, headers: form, status: 403 },
    { name: 'another name', fields: good, headers: { ...own, host: 'rebound.example' }, status: 401 },
    {
      name: 'another name with its origin',
      fields: good,
      headers: { ...form, host: 'rebound.example', origin: 'http://rebound.example' },
      status: 401,
    },
    {
      name: 'two fields of one name',
      body: `token=${secret}&token=x&release=${client}`,
      headers: own,
      status: 400,
    },
    {
      name: 'JSON',
      body: JSON.stringify(good),
      headers: { ...own, 'content-type': 'application/json' },
      status: 415,
    },
  ] as const;
  for (const { name, headers, status, ...rest } of cases) {
    const answer =
      'fields' in rest
        ? await post(rest.fields as Record<string, string>, headers)
        : await ask('/blocks', headers, { method: 'POST', body: rest.body });
    t.equal(answer.status, status, name);
    t.notMatch(answer.text, client, `${name}: learns nothing`);
  }
  t.equal((await ask('/blocks', { origin: `http://${host}` })).header('location'), '/#clients');
  t.equal(await isBlocked(), true);
});

t.test('without a token file there is nothing to type', async (t) => {
  const { ask, post, isBlocked } = await start(t, { admin: {} });
  t.notMatch((await ask('/')).text, 'type="password"');
  for (const token of ['', 'null', secret]) {
    const answer = await post({ token, release: client });
    t.equal(answer.status, 403);
    t.match(answer.text, 'which is not set');
  }
  t.equal(await isBlocked(), true);
});
