import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import t from 'tap';
import { startSidecar } from '../cli/command.ts';
import { openConfig } from '../cli/open-config.ts';
import { withDeadline } from '../helpers/deadline.ts';
import { startEcho } from '../helpers/echo.ts';
import { request } from '../helpers/request.ts';
import { residentMemory } from './memory.ts';

const count = 10_000;

t.test('10,000 connections that say nothing', { timeout: 240_000 }, async (t) => {
  const echo = await startEcho(t);
  const listen = { host: '127.0.0.1', port: 0, keepAliveTimeout: '20s', headersTimeout: '20s' };
  const config = openConfig(echo.url, { listen });
  const sidecar = startSidecar(t, [
    'run',
    '--config',
    `${t.testdir({ 'sidecar.json': config })}/sidecar.json`,
  ]);
  const { port } = await sidecar.said('listening');
  const url = `http://127.0.0.1:${port}`;
  t.equal((await request(url)).status, 200);
  const before = residentMemory(sidecar.pid);
  const sockets: Socket[] = [];
  const closed: Promise<unknown>[] = [];
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
  });
  for (let opened = 0; opened < count; opened += 500) {
    const batch = Array.from({ length: 500 }, () => connect(Number(port), '127.0.0.1'));
    for (const socket of batch) socket.on('error', () => socket.destroy()).resume();
    await withDeadline(Promise.all(batch.map((socket) => once(socket, 'connect'))), 'connections', 30_000);
    sockets.push(...batch);
    closed.push(...batch.map((socket) => once(socket, 'close')));
  }
  t.equal((await request(url)).status, 200, 'others are served');
  const grown = residentMemory(sidecar.pid) - before;
  t.ok(grown < 300_000_000, `${Math.round(grown / count)} bytes each`);
  await withDeadline(Promise.all(closed), 'the end of all of them', 120_000);
  t.equal((await request(url)).status, 200, 'they are let go after a while');
});
