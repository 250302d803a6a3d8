import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { open } from '../gateway/wire.ts';
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

/** The test's authority names no place to ask for revocations. */
const notOurs = new Set(['cert_revocation']);
/** WARN is of testssl.sh itself: a look that it could not take. */
const harmless = new Set(['OK', 'INFO', 'WARN']);

t.setTimeout(180_000);
t.jobs = 2;

const authority = createCertificate({ name: 'authority' });
const days = 24 * 60 * 60 * 1000;

const keyPairs = {
  EC: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  RSA: generateKeyPairSync('rsa', { modulusLength: 2048 }),
};

for (const [kind, keyPair] of Object.entries(keyPairs)) {
  t.test(
    `testssl.sh finds nothing with a key of ${kind}`,
    { skip, buffered: true, timeout: 170_000 },
    async (t) => {
      const notAfter = new Date(Date.now() + 90 * days);
      const certificate = createCertificate({ issuer: authority, keyPair, notAfter });
      const folder = t.testdir({
        cert: certificate.cert,
        key: certificate.key,
        ca: authority.cert,
        // It insists on one, although an address needs no look-up.
        bin: { host: '#!/bin/sh\nexit 1\n' },
      });
      chmodSync(join(folder, 'bin/host'), 0o755);
      const echo = await startEcho(t);
      const gateway = await startGateway(t, {
        ...open,
        upstream: echo.url,
        listen: { tls: { certFile: join(folder, 'cert'), keyFile: join(folder, 'key') } },
      });
      const findings = await look(folder, gateway.port);
      t.ok(findings.length > 60, `${findings.length} findings`);
      const saw = findings.find(({ id }) => id === 'TLS1_3');
      t.match(saw, { finding: /^offered/ }, 'it has looked');
      const ticket = findings.find(({ id }) => id === 'TLS_session_ticket');
      t.match(ticket, { finding: /^valid for 300 seconds/ }, 'sessions are short');
      const bad = findings.filter(({ id, severity }) => !harmless.has(severity) && !notOurs.has(id));
      t.same(bad, []);
    },
  );
}

/** Protocols, ciphers, forward secrecy, preferences, server defaults and known vulnerabilities. */
const checks = ['-p', '-s', '-f', '-P', '-S', '-U'];

async function look(folder: string, port: number): Promise<Finding[]> {
  const program = testssl.path as string;
  const found = join(folder, 'found.json');
  const options = ['--warnings', 'off', '--color', '0', '--quiet', '--nodns', 'min', '--jsonfile', found];
  const trust = ['--add-ca', join(folder, 'ca')];
  const tools = [hexdump, ps, openssl].map(({ path }) => dirname(path as string));
  const env = {
    ...process.env,
    PATH: [join(folder, 'bin'), ...tools, process.env.PATH].join(delimiter),
    // Where the package was unpacked rather than installed.
    TESTSSL_INSTALL_DIR: join(dirname(program), '../../etc/testssl'),
  };
  // Its exit code is the number of findings.
  await promisify(execFile)(program, [...options, ...trust, ...checks, `127.0.0.1:${port}`], {
    cwd: folder,
    maxBuffer: 10_000_000,
    timeout: 150_000,
    env,
  }).catch(() => undefined);
  return JSON.parse(readFileSync(found, 'utf8')) as Finding[];
}
