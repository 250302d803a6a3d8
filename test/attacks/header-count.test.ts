import type { IncomingMessage } from 'node:http';
import t from 'tap';
import { systemClock } from '../../src/clock.ts';
import { receive } from '../../src/hooks/receive.ts';
import { compileCanonical } from '../../src/path/canonical.ts';
import type { Policy } from '../../src/policy.ts';
import { startEcho } from '../helpers/echo.ts';
import { startGateway } from '../helpers/gateway.ts';

t.test('no header is lost among many: all are read, or the request is refused', async (t) => {
  const echo = await startEcho(t);
  const gateway = await startGateway(t, {
    upstream: echo.url,
    issuers: [{ issuer: 'https://a.example', audience: 'a', jwks: { keys: [] } }],
    rules: [{ path: '/*', auth: 'none' }],
    listen: { maxHeaders: 1000 },
  });
  const send = async (count: number, framing: string, body: string) => {
    const raw = await gateway.raw();
    await raw.send(
      `POST /${count} HTTP/1.1\r\nHost: a\r\n${'a:\r\n'.repeat(count)}${framing}\r\n\r\n${body}`,
    );
    return (await raw.response()).status;
  };
  for (const { framing, body } of [
    { framing: 'Content-Length: 5', body: 'hello' },
    { framing: 'Transfer-Encoding: chunked', body: '5\r\nhello\r\n0\r\n\r\n' },
  ]) {
    t.equal(await send(900, framing, body), 200);
    t.equal(echo.seen.at(-1)?.body.bytes, 5, framing);
    t.equal(await send(1100, framing, body), 431);
    t.equal(await send(5000, framing, body), 431);
  }
  t.equal(echo.seen.length, 2, 'the upstream sees none of the others');
});

t.test('what a parser leaves room to hide is refused, whatever the version of Node', async (t) => {
  const policy = {
    maxBodySize: null,
    maxHeaders: 100,
    client: () => ({ address: '192.0.2.1', peer: '192.0.2.1', peerTrusted: false }),
    canonical: compileCanonical({
      duplicateSlashes: 'merge',
      encodedSlashes: 'reject',
      parameters: 'reject',
    }),
  } as unknown as Policy;
  const judge = (count: number) => {
    const rawHeaders = [
      'Host',
      'a',
      ...Array(count - 1)
        .fill(['a', ''])
        .flat(),
    ];
    const request = {
      method: 'GET',
      url: '/',
      httpVersion: '1.1',
      rawHeaders,
      headers: { host: 'a' },
      socket: {},
    };
    return receive(request as unknown as IncomingMessage, policy, systemClock).target;
  };
  t.match(judge(100), { path: '/' });
  t.same(judge(101), { refused: 'headers_too_large' });
});

t.test('a hundred lines may come, and those of the gateway stand before them', async (t) => {
  const echo = await startEcho(t);
  const gateway = await startGateway(t, {
    upstream: { url: echo.url, setHeaders: { 'X-Set': 'ours' } },
    issuers: [{ issuer: 'https://a.example', audience: 'a', jwks: { keys: [] } }],
    rules: [{ path: '/*', auth: 'none' }],
  });
  const send = async (count: number) => {
    const raw = await gateway.raw();
    await raw.send(`GET /${count} HTTP/1.1\r\nHost: a\r\n${'a:\r\n'.repeat(count - 1)}\r\n`);
    return raw.response();
  };
  const { status } = await send(100);
  t.equal(status, 200);
  const names = (echo.seen.at(-1)?.rawHeaders ?? []).filter((_, index) => index % 2 === 0);
  t.equal(names.lastIndexOf('a'), names.length - 1, 'the client comes last');
  t.ok(names.indexOf('X-Set') < names.indexOf('a'), 'what the config sets comes before');
  t.ok(names.indexOf('X-Forwarded-For') < names.indexOf('a'), 'and what the gateway knows');
  const refused = await send(101);
  t.equal(refused.status, 431);
  t.equal(refused.json().code, 'headers_too_large');
});
