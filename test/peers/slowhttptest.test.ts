import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import t from 'tap';
import { open } from '../gateway/wire.ts';
import { startEcho } from '../helpers/echo.ts';
import { startGateway } from '../helpers/gateway.ts';
import { request } from '../helpers/request.ts';
import { findPeer } from './peer.ts';

const slowhttptest = findPeer('slowhttptest', 'slowhttptest');

/** 300 connections that each do one thing as slowly as they can; seconds. */
const attacks: Readonly<Record<string, readonly string[]>> = {
  'slow heads (Slowloris)': ['-H', '-i', '2', '-t', 'GET'],
  'slow bodies (R.U.D.Y.)': ['-B', '-i', '2', '-s', '8192', '-t', 'POST'],
  'slow readers': ['-X', '-w', '1', '-y', '16', '-n', '2', '-z', '8', '-k', '2'],
};

for (const [name, options] of Object.entries(attacks)) {
  t.test(name, { skip: slowhttptest.skip, timeout: 90_000 }, async (t) => {
    const echo = await startEcho(t);
    const gateway = await startGateway(t, {
      ...open,
      upstream: { url: echo.url, bodyTimeout: '4s' },
      listen: { headersTimeout: '3s', requestTimeout: '5s', keepAliveTimeout: '3s' },
    });
    const args = ['-c', '300', '-r', '300', '-l', '15', '-p', '3', '-u', `${gateway.url}/x`, ...options];
    const attack = promisify(execFile)(slowhttptest.path as string, args, { maxBuffer: 10_000_000 });
    let ended = false;
    const end = attack
      .then(
        ({ stdout }) => stdout,
        ({ stdout }) => stdout as string,
      )
      .finally(() => {
        ended = true;
      });
    let served = 0;
    while (!ended) {
      const { status } = await request(gateway.url, { path: '/x' });
      if (status !== 200) t.fail(`an honest request got ${status}`);
      served++;
    }
    const text = (await end).replace(/\u001b\[[\d;]*m/g, '');
    t.ok(served > 100, `${served} honest requests were served meanwhile`);
    t.match(text, /service available:\s+YES/);
    t.notMatch(text, /service available:\s+NO/);
    if (name !== 'slow readers')
      t.match(text, 'No open connections left', 'all were let go before it gave up');
  });
}
