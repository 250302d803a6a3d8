import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import type { Test } from 'tap';
import { type ConfigInput, createGateway, type Gateway, type GatewayOptions } from '../../src/index.ts';
import { type FakeIssuer, startFakeIssuer } from '../helpers/issuer.ts';

export const loopback = { listen: { host: '127.0.0.1', port: 0 }, admin: { host: '127.0.0.1', port: 0 } };

/** An issuer, and the least config that trusts it, on free ports. */
export async function world(t: Test, upstream: string): Promise<{ issuer: FakeIssuer; config: ConfigInput }> {
  const issuer = await startFakeIssuer(t);
  const trust = { issuer: issuer.issuer, audience: issuer.audience };
  return { issuer, config: { ...loopback, upstream, issuers: [trust], drain: { delay: 0, timeout: '5s' } } };
}

/** A gateway that is closed when the test ends, whatever became of it. */
export function create(t: Test, config: ConfigInput, options?: GatewayOptions): Gateway {
  const gateway = createGateway(config, options);
  t.teardown(() => gateway.close());
  return gateway;
}

/** Holds a port for as long as a test runs. */
export async function occupy(t: Test): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return (server.address() as AddressInfo).port;
}
