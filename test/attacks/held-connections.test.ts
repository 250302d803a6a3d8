import t, { type Test } from 'tap';
import { holdClock } from '../gateway/held-clock.ts';
import { ask, open, startUpstream } from '../gateway/wire.ts';
import { startGateway } from '../helpers/gateway.ts';
import { connectRaw } from '../helpers/raw.ts';

/**
 * Slow-request attacks on the connections to the upstream (Slowloris, R-U-Dead-Yet, slow read): one client has more
 * requests open than there are connections, each of which waits for it. Honest ones beside them must all be served.
 */
const connections = 8;
const deadline = 120_000;

const attacks = {
  'a short body of which one byte comes': `${ask('GET /healthz', 'Content-Length: 2')}x`,
  'a short body of which nothing comes': ask('POST /x', 'Content-Length: 2'),
  'a long body of which one byte comes': `${ask('POST /x', 'Content-Length: 1000000')}x`,
  'a long body of which nothing comes': ask('POST /x', 'Content-Length: 1000000'),
  'a long body that was asked for': ask('PUT /x', 'Content-Length: 1000000', 'Expect: 100-continue'),
  'a chunked body of which one byte comes': `${ask('POST /x', 'Transfer-Encoding: chunked')}1\r\nx\r\n`,
  'an answer that is not read': ask('GET /endless'),
  'answers that are not read, asked for on one connection': ask('GET /endless').repeat(connections + 2),
} as const;

async function start(t: Test, clock = holdClock()) {
  const url = await startUpstream(t, (request, response) => {
    request.on('error', () => {});
    if (request.url !== '/endless') return void request.on('end', () => response.end('ok')).resume();
    const piece = Buffer.alloc(1024 * 1024);
    const fill = () => {
      while (response.write(piece));
    };
    response.on('drain', fill);
    fill();
  });
  const gateway = await startGateway(t, { ...open, upstream: { url, connections } }, { clock });
  return { gateway, clock };
}

for (const [name, bytes] of Object.entries(attacks)) {
  for (const honest of ['127.0.0.1', '127.0.0.2']) {
    t.test(`${name}: honest requests from ${honest} are served`, async (t) => {
      const { gateway, clock } = await start(t);
      // An endless answer costs megabytes.
      const endless = bytes.split('/endless').length - 1;
      const sockets = endless > 0 ? (connections + 2) / endless : 3 * connections;
      for (let n = 0; n < sockets; n++) {
        const attacker = await connectRaw(t, gateway.url, { localAddress: '127.0.0.1' });
        if (endless > 0) attacker.socket.pause();
        await attacker.send(bytes);
      }
      const asked = Array.from({ length: 16 }, async (_, n) => {
        const client = await connectRaw(t, gateway.url, { localAddress: honest, deadline });
        for (let turn = 0; turn < 4; turn++) {
          await client.send(n % 2 ? ask('GET /healthz') : `${ask('POST /x', 'Content-Length: 1')}x`);
          t.equal((await client.response()).text, 'ok');
        }
      });
      let served = false;
      const all = Promise.all(asked).then(() => {
        served = true;
      });
      // Where the kernel takes megabytes first, nobody knows when an answer stands still. Otherwise the time that passes
      // is far less than 5 s, so that nothing is served for the sake of that limit alone.
      const most = endless > 0 ? Number.POSITIVE_INFINITY : 3000;
      for (let passed = 0; !served && passed < most; passed += 50) {
        clock.advance(50);
        await Promise.race([all, new Promise((resolve) => setTimeout(resolve, 60))]);
      }
      await all;
    });
  }
}
