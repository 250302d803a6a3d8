import { join } from 'node:path';
import t from 'tap';
import { ConfigError } from '../../src/config/fault.ts';
import { loadConfig } from '../../src/config/load.ts';
import { loadAside } from '../../src/config/load-aside.ts';

const text = `
upstream: \${UPSTREAM}
issuers:
  - { issuer: https://idp.example.com, audience: api://orders }
rules:
  - { path: /admin/*, scopes: [admin], claims: { level: { equals: 1.5 }, toString: { exists: true } } }
unmatched: deny
`;
const env = { UPSTREAM: 'http://127.0.0.1:3000', SIDECAR_DRAIN__DELAY: '1s' };

t.test('what another thread loads is what this one would', async (t) => {
  const cwd = t.testdir({ 'sidecar.yaml': text });
  const options = { file: 'sidecar.yaml', env, cwd };
  const loaded = await loadAside(options);
  t.strictSame(loaded, loadConfig(options));
  t.match(loaded.files, [join(cwd, 'sidecar.yaml')]);
});

t.test('its faults are those that this one would find', async (t) => {
  const cwd = t.testdir({ 'sidecar.yaml': `${text}listen: { port: x, tls: { certFile: a, keyFile: b } }\n` });
  const options = { file: 'sidecar.yaml', env, cwd };
  const [here, aside] = await Promise.all(
    [async () => loadConfig(options), () => loadAside(options)].map((load) => load().catch((error) => error)),
  );
  t.type(aside, ConfigError);
  t.ok(aside.faults.length > 0);
  t.strictSame({ ...aside }, { ...here });
  t.equal(aside.message, here.message);
});

t.test('the environment is the one that is given, not that of the process', async (t) => {
  const cwd = t.testdir({ 'sidecar.yaml': text });
  await t.rejects(loadAside({ file: 'sidecar.yaml', env: {}, cwd }), { code: 'config_invalid' });
});
