import t from 'tap';
import { parse } from 'yaml';
import { sight, startScene } from '../gateway/scene.ts';
import { codes, readBlocks, readDoc, readTable } from './markdown.ts';

const text = readDoc('behind-an-ingress.md');
const parts = readBlocks(text, 'yaml').filter((block) => block.startsWith('# sidecar.yaml'));

/** The page's addresses, where a peer on loopback stands for the proxy. */
function onLoopback(networks: readonly string[]): string[] {
  return networks.map((each) => (each === '10.0.0.0/28' ? '127.0.0.0/8' : each));
}

t.test('whom to trust: client and X-Forwarded-For are those of the table', async (t) => {
  const rows = readTable(text, '`trustedProxies`', 'Client in the log and for the failure limit');
  t.equal(rows.length, 3);
  for (const row of rows) {
    const [list = ''] = codes(row['`trustedProxies`'] ?? '');
    const trustedProxies = onLoopback(parse(list));
    const { gateway, echo } = await startScene(t, {
      listen: { trustedProxies },
      unmatched: 'required',
      rules: [{ path: '/*', auth: 'none' }],
    });
    const headers = { 'X-Forwarded-For': '198.51.100.7, 203.0.113.9' };
    await gateway.request({ headers, localAddress: '127.0.0.5' });
    const seen = sight(echo.seen.at(-1));
    const proxy = (address = '') => address.replaceAll('10.0.0.5', '127.0.0.5');
    const line = await gateway.line(seen.header('x-request-id'));
    t.equal(line.client, proxy(row['Client in the log and for the failure limit']), list);
    const [chain = ''] = codes(row['`X-Forwarded-For` for the upstream'] ?? '');
    t.equal(seen.header('x-forwarded-for'), proxy(chain), list);
  }
});

t.test('the parts are the lists of the table, and one more', async (t) => {
  const lists = parts.map((part) => parse(part).listen.trustedProxies.join());
  t.same(lists, ['', '0.0.0.0/0,::/0', '10.0.0.0/28', '35.191.0.0/16,130.211.0.0/22,203.0.113.80']);
});

const sent = {
  'X-Forwarded-For': '203.0.113.9',
  'X-Forwarded-Proto': 'https',
  'X-Forwarded-Host': 'api.example.com',
  'X-Forwarded-Port': '443',
  'X-Forwarded-User': 'root',
  Forwarded: 'for=203.0.113.9',
  'X-Real-IP': '203.0.113.9',
  'X-Request-Id': 'a-well-formed-id',
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  'X-Original-URL': '/admin',
  'X-HTTP-Method-Override': 'DELETE',
  'X-Verified-Subject': 'root',
};
const kept: Readonly<Record<'trusted' | 'other', readonly string[]>> = {
  trusted: [
    ...['X-Forwarded-Proto', 'X-Forwarded-Host', 'X-Forwarded-Port', 'X-Forwarded-User'],
    ...['Forwarded', 'X-Real-IP', 'X-Request-Id', 'traceparent'],
  ],
  other: ['traceparent'],
};

t.test('what the upstream receives is what the table says', async (t) => {
  for (const [who, names] of Object.entries(kept)) {
    const trustedProxies = who === 'trusted' ? ['127.0.0.1'] : [];
    const rules = [{ path: '/*', auth: 'none' as const }];
    const { gateway, echo } = await startScene(t, { listen: { trustedProxies }, rules });
    await gateway.request({ headers: sent });
    const seen = sight(echo.seen.at(-1));
    for (const [name, value] of Object.entries(sent)) {
      const same = seen.all(name.toLowerCase()).join() === value;
      t.equal(same, names.includes(name), `${who}: ${name}`);
    }
    const chain = who === 'trusted' ? '203.0.113.9, 127.0.0.1' : '127.0.0.1';
    t.equal(seen.header('x-forwarded-for'), chain, who);
  }
});

t.test('X-Forwarded-User of a trusted proxy is dropped where it is listed', async (t) => {
  const { gateway, echo } = await startScene(t, {
    listen: { trustedProxies: ['127.0.0.1'] },
    identity: { stripHeaders: ['X-Forwarded-User'] },
    rules: [{ path: '/*', auth: 'none' }],
  });
  await gateway.request({ headers: sent });
  t.same(sight(echo.seen.at(-1)).all('x-forwarded-user'), []);
});

t.test('the PROXY protocol is refused', async (t) => {
  const { gateway } = await startScene(t);
  const raw = await gateway.raw();
  await raw.send('PROXY TCP4 203.0.113.9 10.0.0.5 1 2\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n');
  const answer = await raw.response();
  t.match(answer.json(), { status: 400, code: 'request_malformed' });
});
