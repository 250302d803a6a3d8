import type { LookupFunction } from 'node:net';
import t from 'tap';
import { createFetchJson } from '../../src/keys/fetch.ts';
import { guardLookup, reachOf } from '../../src/keys/reach.ts';
import { startServer } from './server.ts';

/** A look-up of names that a test makes up. */
function names(book: Readonly<Record<string, readonly string[]>>): LookupFunction {
  return (hostname, options, callback) => {
    const found = book[hostname]?.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    const [first] = found ?? [];
    if (found === undefined || first === undefined)
      callback(Object.assign(new Error(), { code: 'ENOTFOUND' }), '');
    else if (options.all) callback(null, found);
    else callback(null, first.address, first.family);
  };
}

const lookup = names({
  'public.example': ['93.184.215.14', '2606:2800::1'],
  'private.example': ['10.0.0.5'],
  'both.example': ['10.0.0.5', '93.184.215.14'],
  'rebound.example': ['127.0.0.1'],
  'metadata.example': ['169.254.169.254'],
});

t.test('where metadata may lead', async (t) => {
  const cases: Readonly<
    Record<string, { readonly may: readonly string[]; readonly mayNot: readonly string[] }>
  > = {
    'https://public.example': {
      may: ['1.1.1.1', '2606:4700::1111'],
      mayNot: ['10.0.0.5', '127.0.0.1', '::1', 'fd00::1', '169.254.169.254', '::ffff:169.254.169.254'],
    },
    'https://both.example': { may: ['1.1.1.1'], mayNot: ['10.0.0.5'] },
    'https://nowhere.example': { may: ['1.1.1.1'], mayNot: ['10.0.0.5'] },
    'https://private.example': {
      may: ['1.1.1.1', '10.9.9.9', '127.0.0.1'],
      mayNot: ['169.254.169.254', 'fe80::1'],
    },
    'https://10.0.0.1': { may: ['10.9.9.9'], mayNot: ['169.254.169.254', '100.100.100.200'] },
    'http://127.0.0.1:4000': { may: ['127.0.0.1'], mayNot: ['169.254.169.254'] },
  };
  for (const [issuer, { may, mayNot }] of Object.entries(cases)) {
    const mayReach = await reachOf(new URL(issuer), lookup);
    for (const address of may) t.ok(mayReach(address), `${issuer} to ${address}`);
    for (const address of mayNot) t.notOk(mayReach(address), `${issuer} not to ${address}`);
  }
});

t.test('only what may be reached is looked up', async (t) => {
  const guarded = guardLookup(lookup, await reachOf(new URL('https://public.example'), lookup));
  const find = (host: string, all: boolean) =>
    new Promise((resolve) => guarded(host, { all }, (error, found) => resolve(error?.code ?? found)));
  t.equal(await find('both.example', false), '93.184.215.14');
  t.same(await find('both.example', true), [{ address: '93.184.215.14', family: 4 }]);
  for (const host of ['private.example', 'rebound.example', 'metadata.example'])
    t.equal(await find(host, true), 'ADDRESS_NOT_ALLOWED', host);
  t.equal(await find('nowhere.example', true), 'ENOTFOUND');
});

t.test('the address that is dialed decides', async (t) => {
  const server = await startServer(t, (_request, response) => response.end('{}'));
  const { port } = new URL(server.url);
  const options = {
    timeout: 5000,
    maxSize: 100,
    caFile: null,
    bearerTokenFile: null,
    allowInsecureHttp: true,
    lookup,
  };
  const fetchJson = createFetchJson(options);
  const fromPublic = await reachOf(new URL('https://public.example'), lookup);
  for (const url of [`http://rebound.example:${port}/`, server.url])
    await t.rejects(fetchJson(url, { mayReach: fromPublic }), { code: 'address_not_allowed' }, url);
  t.equal(server.seen.length, 0, 'nothing was asked');
  const fromPrivate = await reachOf(new URL('https://private.example'), lookup);
  for (const url of [`http://rebound.example:${port}/`, server.url])
    t.same(await fetchJson(url, { mayReach: fromPrivate }), { document: {} }, url);
});
