import { createHash } from 'node:crypto';
import t from 'tap';
import { startEcho } from '../helpers/echo.ts';
import { connectRaw, exchange } from '../helpers/raw.ts';
import { request } from '../helpers/request.ts';

const sha256 = (content: string | Buffer) => createHash('sha256').update(content).digest('hex');
const nothing = { bytes: 0, sha256: sha256('') };

t.test('answers with what came off the wire', async (t) => {
  const echo = await startEcho(t);
  const [answer] = await exchange(
    t,
    echo.url,
    'GET /a//b/../c?d=%2F&e HTTP/1.1\r\nX-Two: one\r\nhOsT: here\r\nx-two: two\r\nConnection: close\r\n\r\n',
  );
  t.equal(answer?.status, 200);
  t.equal(answer?.header('content-type'), 'application/json');
  t.strictSame(answer?.json(), {
    method: 'GET',
    url: '/a//b/../c?d=%2F&e',
    httpVersion: '1.1',
    headers: [
      ['X-Two', 'one'],
      ['hOsT', 'here'],
      ['x-two', 'two'],
      ['Connection', 'close'],
    ],
    body: nothing,
  });
});

t.test('bodies', async (t) => {
  const echo = await startEcho(t, { keep: 8 });
  const post = async (body: string | Buffer) => {
    const { body: content, text } = (await request(echo.url, { method: 'POST', body })).json();
    return { content, text };
  };
  t.strictSame(await post('héllo'), { content: { bytes: 6, sha256: sha256('héllo') }, text: 'héllo' });
  const binary = Buffer.from([0xff, 0x00]);
  t.strictSame(await post(binary), { content: { bytes: 2, sha256: sha256(binary) }, text: undefined });
  const big = Buffer.alloc(3_000_000, 'x');
  t.strictSame(await post(big), { content: { bytes: 3_000_000, sha256: sha256(big) }, text: undefined });
  t.strictSame(echo.seen.at(-1)?.body.start, Buffer.from('xxxxxxxx'), 'only the start is remembered');
});

t.test('trailers', async (t) => {
  const echo = await startEcho(t);
  const [answer] = await exchange(
    t,
    echo.url,
    'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n1\r\na\r\n0\r\nX-End: yes\r\n\r\n',
  );
  t.match(answer?.json(), { body: { bytes: 1 }, text: 'a', trailers: [['X-End', 'yes']] });
});

t.test('a text with brackets stays as it is', async (t) => {
  const echo = await startEcho(t);
  const text = '[\n "a",\n "b"\n]';
  const answer = await request(echo.url, { method: 'POST', body: text });
  t.equal(answer.json().text, text);
});

t.test('remembers requests, the latest of them', async (t) => {
  const echo = await startEcho(t, { history: 2 });
  for (const path of ['/1', '/2', '/3']) await request(echo.url, { path, method: 'DELETE' });
  t.match(echo.seen, [
    { method: 'DELETE', url: '/2', httpVersion: '1.1', body: { ...nothing, complete: true } },
    { url: '/3' },
  ]);
  t.equal(echo.seen.length, 2);
  t.equal(echo.connections, 3);
});

t.test('a request that breaks off is seen, and seen to be incomplete', async (t) => {
  const echo = await startEcho(t);
  const connection = await connectRaw(t, echo.url);
  await connection.send('POST /half HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf');
  connection.halfClose();
  await connection.closed();
  t.match(echo.seen, [{ url: '/half', body: { bytes: 4, sha256: sha256('half'), complete: false } }]);
});

t.test('closes, even with connections open, and twice', async (t) => {
  const echo = await startEcho(t);
  const connection = await connectRaw(t, echo.url);
  await echo.close();
  await connection.closed();
  await echo.close();
  await t.rejects(request(echo.url));
});
