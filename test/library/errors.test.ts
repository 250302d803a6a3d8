import t from 'tap';
import { ConfigError, type ConfigInput, createGateway, GatewayError } from '../../src/index.ts';
import { request } from '../helpers/request.ts';
import { create, loopback, occupy, world } from './scene.ts';

/** What a call throws. */
function thrown(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  return undefined;
}

t.test('a config with faults throws all of them, as the program prints them', async (t) => {
  const input = { upstream: 'nowhere', issuers: [{ issuer: 'https://a.example' }], lisen: {} };
  const error = thrown(() => createGateway(input as unknown as ConfigInput));
  t.ok(error instanceof ConfigError);
  t.match(error, { name: 'ConfigError', code: 'config_invalid' });
  const { faults } = error as ConfigError;
  t.same(faults.map(({ path }) => path).toSorted(), ['issuers[0].audience', 'lisen', 'upstream']);
  t.match(
    faults.find(({ path }) => path === 'lisen'),
    { message: /^unknown key/, hint: /"listen"/ },
  );
  for (const nothing of [undefined, null, 'http://127.0.0.1', []]) {
    t.ok(thrown(() => createGateway(nothing as unknown as ConfigInput)) instanceof ConfigError, `${nothing}`);
  }
});

t.test('a port that is taken rejects the start and leaves nothing open', async (t) => {
  const taken = await occupy(t);
  const { config } = await world(t, 'http://127.0.0.1:1');
  const traffic = create(t, { ...config, listen: { ...loopback.listen, port: taken } });
  await t.rejects(traffic.start(), { code: 'EADDRINUSE' });

  let port = 0;
  const log = {
    write(line: string) {
      port = JSON.parse(line).port ?? port;
    },
  };
  const admin = create(t, { ...config, admin: { ...loopback.admin, port: taken } }, { log });
  await t.rejects(admin.start(), { code: 'EADDRINUSE' });
  t.equal(port, 0, 'it has not said that it listens');
  t.equal(admin.ports(), null);
  t.equal((await admin.status()).phase, 'closed');
  await t.rejects(admin.start(), { code: 'not_serving' }, 'it is no use trying again');
});

t.test('a reload that would take away keys says so by its code', async (t) => {
  const { issuer, config } = await world(t, 'http://127.0.0.1:1');
  const gateway = create(t, config);
  const { port } = await gateway.start();
  const [trust] = config.issuers;
  const lost = { ...config, issuers: [{ ...trust!, jwksUri: `${issuer.url}/none` }] };
  await t.rejects(gateway.reload(lost), new GatewayError('keys_unavailable', `${issuer.issuer} would lose`));
  await t.rejects(gateway.reload({ ...config, mode: 'strict' } as unknown as ConfigInput), ConfigError);
  const headers = { authorization: `Bearer ${issuer.mint({ claims: { aud: 'other' } })}` };
  const answer = await request(`http://127.0.0.1:${port}`, { headers });
  t.equal(answer.json().code, 'audience_mismatch', 'it serves on with its keys');
});

t.test('a proxy that is none is refused, and not quoted', async (t) => {
  const { config } = await world(t, 'http://127.0.0.1:1');
  for (const httpsProxy of ['', 'ftp://user:secret@proxy.example', 'secret']) {
    const error = thrown(() => createGateway(config, { proxy: { httpsProxy } }));
    t.ok(error instanceof ConfigError, httpsProxy);
    t.notMatch((error as Error).message, 'secret');
  }
  await create(t, config, { proxy: { httpsProxy: 'http://proxy.example:3128' } }).close();
});
