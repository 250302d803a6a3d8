import t, { type Test } from 'tap';
import { ask, ownConfig, startTarget, type Target, valuesOf } from './harness.ts';

// Who sent it and from where: believed from trusted proxies alone, in no spelling from anyone else.

const claims = [
  ...[
    'X-Forwarded-For: 10.0.0.1',
    'X-Forwarded-For: 10.0.0.2, 10.0.0.3',
    'X-Forwarded-Proto: https',
    'X-Forwarded-Port: 443',
  ],
  ...[
    'X-Forwarded-Host: evil.example',
    'X-Real-IP: 10.0.0.1',
    'Forwarded: for=10.0.0.1;proto=https;host=evil.example',
  ],
  ...[
    'X-Forwarded-Prefix: /admin',
    'X-Forwarded-Server: evil',
    'X-Forwarded-Ssl: on',
    'X-Request-Id: chosen-by-the-client',
  ],
];
/** What only a lax server takes for one of them, which no honest proxy sends. */
const spoofs = [
  ...[
    'X_Forwarded_For: spoof',
    'x-forwarded_proto: spoof',
    'X.Forwarded.Host: spoof',
    'X_Real_IP: spoof',
    'x_request_id: spoof',
  ],
  ...['X_Forwarded_Port: spoof', 'X-Forwarded.For: spoof', 'x_forwarded-prefix: spoof', 'X_FORWARDED: spoof'],
];
/** The proxy that is trusted; whoever else is on this machine is not. */
const proxy = '127.0.0.2';

async function sendFrom(t: Test, target: Target, localAddress: string, ...fields: readonly string[]) {
  const answer = await target.send(ask('GET /public/x', ...fields), { localAddress });
  t.equal(answer.status, 200);
  const seen = target.upstream.seen.at(-1);
  if (seen === undefined) throw new Error('nothing was forwarded');
  const requestId = valuesOf(seen, 'x-request-id').join();
  return { seen, requestId, line: await target.gateway?.line(requestId) };
}

t.test('X-Forwarded-* and its like', ownConfig, async (t) => {
  const target = await startTarget(t, {
    config: { listen: { host: '127.0.0.1', port: 0, trustedProxies: [proxy] } },
  });

  t.test('from anyone at all', async (t) => {
    for (const [name, fields] of Object.entries({
      'each by itself': [...claims, ...spoofs].map((field) => [field]),
      'all together': [[...claims, ...spoofs]],
      'before and after': [[...spoofs, ...claims, ...spoofs]],
      nominated: [[...claims, 'Connection: X-Forwarded-For, X-Forwarded-Proto, X-Request-Id, X-Real-IP']],
    })) {
      for (const each of fields)
        await target.allows(t, `${name}: ${each.join()}`, ask('GET /public/x', ...each), { fields: [] });
    }
    const { line, requestId } = await sendFrom(t, target, '127.0.0.1', ...claims);
    t.match(line, { client: '127.0.0.1' }, 'the log has the real peer');
    t.match(requestId, /^[0-9a-f-]{36}$/);
  });

  t.test('from a trusted proxy', async (t) => {
    const { seen, requestId, line } = await sendFrom(
      t,
      target,
      proxy,
      ...claims,
      ...spoofs,
      'Connection: X-Forwarded-For',
    );
    t.notMatch(seen.text, /spoof/, 'it passes on what nobody sends');
    t.strictSame(valuesOf(seen, 'x-forwarded-for'), [`10.0.0.1, 10.0.0.2, 10.0.0.3, ${proxy}`]);
    for (const field of claims.slice(2)) t.ok(seen.fields.includes(field), `${field} is kept`);
    t.equal(requestId, 'chosen-by-the-client');
    t.match(
      line,
      { client: '10.0.0.3' },
      'the log has the client that the proxy saw, not whom that one named',
    );
  });

  t.test('a chain that is no list of addresses names nobody else', async (t) => {
    for (const chain of [
      '',
      'unknown',
      '_hidden',
      '10.0.0.1;10.0.0.2',
      '10.0.0.1:80:80',
      'x'.repeat(5000),
      '127.0.0.1, x',
      '::ffff:zz',
      '%00',
      '10.0.0.256',
    ]) {
      const { line } = await sendFrom(t, target, proxy, `X-Forwarded-For: ${chain}`);
      t.match(line, { client: proxy }, chain.slice(0, 40));
    }
    const { line } = await sendFrom(t, target, proxy, `X-Forwarded-For: 10.0.0.1, ${proxy}, ${proxy}`);
    t.match(line, { client: '10.0.0.1' }, 'trusted ones are passed over');
  });
});
