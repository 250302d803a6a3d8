import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, get, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import t, { type Test } from 'tap';
import { startSidecar } from '../cli/command.ts';
import { openConfig } from '../cli/open-config.ts';
import { watchMemory } from './memory.ts';

const gigabyte = 1024 ** 3;
const chunk = randomBytes(256 * 1024);

/** So many bytes, made as they are read. */
function* bytes(size: number): Generator<Buffer> {
  for (let left = size; left > 0; left -= chunk.length)
    yield left < chunk.length ? chunk.subarray(0, left) : chunk;
}

function digestOf(size: number): string {
  const hash = createHash('sha256');
  for (const each of bytes(size)) hash.update(each);
  return hash.digest('hex');
}

async function digest(stream: IncomingMessage): Promise<string> {
  const hash = createHash('sha256');
  for await (const each of stream) hash.update(each as Buffer);
  return hash.digest('hex');
}

/** An upstream that gives as many bytes as the path says, and the digest of what it is sent. */
async function start(t: Test) {
  const server = createServer(async (incoming, response) => {
    if (incoming.method === 'POST') return void response.end(await digest(incoming));
    await pipeline(Readable.from(bytes(Number(incoming.url?.slice(1)))), response).catch(() => {});
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close().closeAllConnections());
  const upstream = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const config = openConfig(upstream);
  const sidecar = startSidecar(t, [
    'run',
    '--config',
    `${t.testdir({ 'sidecar.json': config })}/sidecar.json`,
  ]);
  const { port } = await sidecar.said('listening');
  return { url: `http://127.0.0.1:${port}`, pid: sidecar.pid };
}

t.test('a gigabyte each way, byte for byte, in flat memory', { timeout: 240_000 }, async (t) => {
  const { url, pid } = await start(t);
  const expected = digestOf(gigabyte);
  const memory = watchMemory(pid);
  for (const headers of [{ 'content-length': String(gigabyte) }, { 'transfer-encoding': 'chunked' }]) {
    const upload = request(url, { method: 'POST', headers });
    const answered = once(upload, 'response');
    await pipeline(Readable.from(bytes(gigabyte)), upload);
    const [answer] = (await answered) as [IncomingMessage];
    t.equal(Buffer.concat(await answer.toArray()).toString(), expected, `up, ${Object.keys(headers)}`);
  }
  const [answer] = (await once(get(`${url}/${gigabyte}`), 'response')) as [IncomingMessage];
  t.equal(await digest(answer), expected, 'down');
  const most = memory.stop();
  t.ok(most < 400_000_000, `${Math.round(most / 1e6)} MB at most`);
});

t.test('a hundred readers that read slowly', { timeout: 240_000 }, async (t) => {
  const { url, pid } = await start(t);
  const size = 20 * 1024 * 1024;
  const memory = watchMemory(pid);
  const readers = Array.from({ length: 100 }, async () => {
    const [answer] = (await once(get(`${url}/${size}`, { agent: false }), 'response')) as [IncomingMessage];
    let read = 0;
    for await (const each of answer) {
      read += (each as Buffer).length;
      // Every reader lets the others go first, so that all are under way at once.
      await new Promise((resolve) => setImmediate(resolve));
    }
    return read;
  });
  t.ok((await Promise.all(readers)).every((read) => read === size));
  const most = memory.stop();
  t.ok(most < 500_000_000, `${Math.round(most / 1e6)} MB at most for ${(100 * size) / 1e6} MB`);
});
