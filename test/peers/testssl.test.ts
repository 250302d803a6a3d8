import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { createCertificate } from '../helpers/certificate.ts';
import { startEcho } from '../helpers/echo.ts';
import { startGateway } from '../helpers/gateway.ts';
import { findPeer } from './peer.ts';

const testssl = findPeer('testssl', 'testssl.sh');
const hexdump = findPeer('hexdump', 'bsdextrautils');
const ps = findPeer('ps', 'procps');
const openssl = findPeer('openssl', 'openssl');
const skip = testssl.skip || hexdump.skip || ps.skip || openssl.skip;

interface Finding {
  readonly id: string;
  readonly severity: string;
  readonly finding: string;
}

/** Of the certificate, which the test makes itself, and of the machine that tests. */
const notOurs = new Set([
  'cert_chain_of_trust',
  'cert_expirationStatus',
  'cert_notAfter',
  'cert_revocation',
  'engine_problem',
]);
const harmless = new Set(['OK', 'INFO']);

t.test('testssl.sh finds nothing', { skip, timeout: 180_000 }, async (t) => {
  const certificate = createCertificate();
  const folder = t.testdir({
    cert: certificate.cert,
    key: certificate.key,
    // It insists on one, although an address needs no look-up.
    bin: { host: '#!/bin/sh\nexit 1\n' },
  });
  const echo = await startEcho(t);
  const gateway = await startGateway(t, {
    upstream: echo.url,
    issuers: [{ issuer: 'https://a.example', audience: 'a', jwks: { keys: [] } }],
    listen: { tls: { certFile: join(folder, 'cert'), keyFile: join(folder, 'key') } },
  });
  const program = testssl.path as string;
  const bin = join(folder, 'bin');
  await promisify(execFile)('chmod', ['+x', join(bin, 'host')]);
  const found = join(folder, 'found.json');
  const checks = ['-p', '-s', '-f', '-P', '-S', '-U'];
  const options = ['--warnings', 'off', '--color', '0', '--quiet', '--nodns', 'min', '--jsonfile', found];
  const folders = [
    bin,
    ...[hexdump, ps, openssl].map(({ path }) => dirname(path as string)),
    process.env.PATH,
  ];
  await promisify(execFile)(program, [...options, ...checks, `127.0.0.1:${gateway.port}`], {
    cwd: folder,
    maxBuffer: 10_000_000,
    env: {
      ...process.env,
      PATH: folders.join(delimiter),
      // Where the package was unpacked rather than installed.
      TESTSSL_INSTALL_DIR: join(dirname(program), '../../etc/testssl'),
    },
  }).catch(() => undefined);
  const findings = JSON.parse(readFileSync(found, 'utf8')) as Finding[];
  t.ok(findings.length > 60, `${findings.length} findings`);
  t.match(
    findings.find(({ id }) => id === 'TLS1_3'),
    { finding: /^offered/ },
    'it has looked',
  );
  const bad = findings.filter(({ id, severity }) => !harmless.has(severity) && !notOurs.has(id));
  t.same(bad, []);
});
