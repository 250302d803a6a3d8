import { join, relative, resolve } from 'node:path';
import t from 'tap';
import { completeConfig } from '../../src/config/complete.ts';
import { namedFiles } from '../../src/config/files.ts';
import { needsRestart } from '../../src/config/restart.ts';
import type { ConfigInput } from '../../src/config/schema.ts';
import { createCertificate } from '../helpers/certificate.ts';

const least: ConfigInput = {
  upstream: 'http://127.0.0.1:3',
  issuers: [{ issuer: 'https://a.example', audience: 'a' }],
};
const before = completeConfig(least).config;

t.test('what only a restart brings into force', async (t) => {
  const cases: Readonly<Record<string, Partial<ConfigInput>>> = {
    'listen.host': { listen: { host: '127.0.0.1' } },
    'listen.port': { listen: { port: 1 } },
    'listen.headersTimeout': { listen: { headersTimeout: '1s' } },
    'listen.requestTimeout': { listen: { requestTimeout: '1s' } },
    'listen.keepAliveTimeout': { listen: { keepAliveTimeout: '1s' } },
    'listen.maxHeaderSize': { listen: { maxHeaderSize: '1KiB' } },
    'listen.maxConnections': { listen: { maxConnections: 1 } },
    'admin.host': { admin: { host: '127.0.0.1' } },
    'admin.port': { admin: { port: 1 } },
    'websockets.enabled': { websockets: { enabled: false } },
  };
  for (const [path, change] of Object.entries(cases)) {
    t.strictSame(needsRestart(before, completeConfig({ ...least, ...change }).config), [path]);
  }
  for (const change of [
    {},
    { mode: 'report' },
    { listen: { trustedProxies: ['10.0.0.0/8'], maxBodySize: 1 } },
    { drain: { timeout: '1m' } },
    { upstream: 'http://127.0.0.1:2' },
  ] as Partial<ConfigInput>[]) {
    t.strictSame(
      needsRestart(before, completeConfig({ ...least, ...change }).config),
      [],
      JSON.stringify(change),
    );
  }
});

t.test('the files that a config names, each once and absolute', async (t) => {
  const folder = relative(process.cwd(), t.testdir({ ca: createCertificate().cert, keys: '' }));
  const [ca, keys] = [join(folder, 'ca'), join(folder, 'keys')];
  const { config } = completeConfig({
    ...least,
    upstream: { url: 'https://a.example', tls: { caFile: ca } },
    upstreams: { other: { url: 'https://b.example', tls: { caFile: ca } } },
    issuers: [{ issuer: 'https://a.example', audience: 'a', jwksFile: keys }],
  });
  t.strictSame(namedFiles(config), [resolve(ca), resolve(keys)]);
  t.strictSame(namedFiles(before), []);
});
