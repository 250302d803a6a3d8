import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { run } from './command.ts';

t.test('a pipe or a device in the place of a file keeps no command waiting', async (t) => {
  const folder = t.testdir({});
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const issuer = { issuer: 'https://idp.example.com', audience: 'a' };
  const tls = { certFile: pipe, keyFile: pipe };
  const configs: Readonly<Record<string, [path: string, config: (file: string) => object]>> = {
    jwksFile: ['issuers[0].jwksFile', (file) => ({ issuers: [{ ...issuer, jwksFile: file }] })],
    caFile: ['issuers[0].keys.caFile', (file) => ({ issuers: [{ ...issuer, keys: { caFile: file } }] })],
    bearerTokenFile: [
      'issuers[0].keys.bearerTokenFile',
      (file) => ({ issuers: [{ ...issuer, keys: { bearerTokenFile: file } }] }),
    ],
    tokenFile: ['admin.tokenFile', (file) => ({ admin: { tokenFile: file } })],
    'listen.tls': ['listen.tls.certFile', () => ({ listen: { tls } })],
    'upstream.tls': ['upstream.tls.certFile', () => ({ upstream: { url: 'https://127.0.0.1:1', tls } })],
    'a value from a file': [
      'issuers[0].audience',
      (file) => ({ issuers: [{ ...issuer, audience: `\${file:${file}}` }] }),
    ],
  };
  for (const [name, [path, config]] of Object.entries(configs)) {
    for (const file of name === 'jwksFile' ? [pipe, '/dev/zero'] : [pipe]) {
      const text = JSON.stringify({ upstream: 'http://127.0.0.1:1', issuers: [issuer], ...config(file) });
      writeFileSync(join(folder, 'sidecar.json'), text);
      const { code, stderr } = await run(t, ['check', '--config', join(folder, 'sidecar.json')]);
      t.equal(code, 2, `${name}: ${file}`);
      t.match(stderr, path, `${name}: names the setting`);
      t.match(stderr, /cannot be read \(NOT_A_REGULAR_FILE\)/, `${name}: and says why`);
    }
  }
});
