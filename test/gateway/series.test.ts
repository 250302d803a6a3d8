import { METHODS, STATUS_CODES } from 'node:http';
import t, { type Test } from 'tap';
import type { TestGateway } from '../helpers/gateway.ts';
import { bearer, startScene } from './scene.ts';
import { ask, sendRaw, startTcp, startUpstream } from './wire.ts';

/** How many series there are, by metric. */
async function count(gateway: TestGateway): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const line of (await gateway.metrics()).split('\n')) {
    const [name] = /^jwks_sidecar_\w+/.exec(line) ?? [];
    if (name !== undefined) counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

/** Every method that can be sent over an ordinary connection. */
const methods = METHODS.filter((method) => method !== 'CONNECT');

async function start(t: Test) {
  return startScene(t, {
    listen: { trustedProxies: ['127.0.0.1/32'] },
    rules: [{ name: 'open', path: '/open/*', auth: 'none' }, { path: '/second/*' }],
  });
}

t.test('hundreds of hostile requests bring no series that the first ones did not', async (t) => {
  const { gateway, issuer } = await start(t);
  const past = Math.floor(Date.now() / 1000) - 600;
  /** Each is what one kind of attacker sends, marked so that no two are alike. */
  const kinds: readonly ((mark: string) => { readonly path: string; readonly token?: string })[] = [
    (mark) => ({ path: `/open/${mark}` }),
    (mark) => ({ path: `/${mark}` }),
    (mark) => ({ path: `/second/${mark}?${mark}=${mark}`, token: issuer.mint({ claims: { sub: mark } }) }),
    (mark) => ({ path: `/${mark}/../x` }),
    (mark) => ({ path: '/x', token: issuer.mint({ header: { kid: mark } }) }),
    (mark) => ({ path: '/x', token: issuer.mint({ claims: { iss: `https://${mark}.example` } }) }),
    (mark) => ({ path: '/x', token: issuer.mint({ claims: { aud: mark } }) }),
    (mark) => ({ path: '/x', token: issuer.mint({ header: { alg: mark } }) }),
    (mark) => ({ path: '/x', token: `${mark}.${mark}.${mark}` }),
    (mark) => ({ path: '/x', token: issuer.mint({ claims: { exp: past, iat: past - 60, jti: mark } }) }),
  ];
  const attack = async (round: string) => {
    let sent = 0;
    for (const method of methods)
      for (const kind of kinds) {
        const mark = `zz${round}${sent++}`;
        const { path, token } = kind(mark);
        const headers = {
          host: `${mark}.example`,
          'user-agent': mark,
          'x-request-id': mark,
          // A client each, so that none is blocked.
          'x-forwarded-for': `10.${round}.${sent >> 8}.${sent & 255}`,
          ...(token !== undefined && bearer(token)),
        };
        await gateway.request({ method, path, headers });
      }
    for (let i = 0; i < 20; i++) {
      await sendRaw(gateway, ask(`${round}${i}FROB /${i}`));
      await sendRaw(gateway, ask(`CONNECT h${round}${i}.example:80`));
    }
    return sent;
  };
  t.ok((await attack('1')) > 300);
  const before = await count(gateway);
  await attack('2');
  await attack('3');
  t.same(await count(gateway), before);
  t.notMatch(await gateway.metrics(), /zz[123]/);
});

/** What is no status. */
const statusLines = ['1000 a', '99 a', '2xx a', '-200 a', '20'];

t.test(
  'statuses of an upstream pass as they are, and those that nobody registered are one line',
  async (t) => {
    const lines = statusLines.values();
    const { gateway } = await startScene(t, {
      rules: [
        { name: 'any', path: '/any/*', auth: 'none', upstream: 'any' },
        { name: 'broken', path: '/broken', auth: 'none', upstream: 'broken' },
      ],
      upstreams: {
        any: await startUpstream(t, (request, response) => {
          response.writeHead(Number(request.url?.split('/').at(-1))).end();
        }),
        broken: (
          await startTcp(t, (socket) => {
            socket.on('data', () =>
              socket.end(`HTTP/1.1 ${lines.next().value}\r\ncontent-length: 0\r\n\r\n`),
            );
          })
        ).url,
      },
    });
    const odd = [226, 299, 308, 420, 451, 499, 530, 599, 600, 777, 999];
    for (const status of odd) t.equal((await gateway.get(`/any/${status}`)).status, status);
    for (const line of statusLines) t.equal((await gateway.get('/broken')).status, 502, line);
    const statuses = [...(await gateway.metrics()).matchAll(/\bstatus="([^"]*)"/g)].map(
      ([, status]) => status,
    );
    const known = odd.map(String).filter((status) => status in STATUS_CODES || status === '499');
    t.ok(known.length < odd.length, 'some of them are odd');
    t.same(new Set(statuses), new Set([...known, 'OTHER', '502']));
  },
);
