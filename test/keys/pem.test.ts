import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { isPem, readPem } from '../../src/keys/pem.ts';
import { makeKey } from '../helpers/key.ts';

const [rsa, ec, ed] = await Promise.all([makeKey('RS256'), makeKey('ES256'), makeKey('EdDSA')]);
const pemOf = (key: typeof rsa, type: 'spki' | 'pkcs1' = 'spki') =>
  key.publicKey.export({ type: type as 'spki', format: 'pem' }) as string;
const bare = ({ publicJwk: { kid: _kid, alg: _alg, use: _use, ...rest } }: typeof rsa) => rest;

/** A self-signed authority and a certificate that it issued, made by openssl. */
function makeChain(t: Test) {
  const folder = t.testdir({});
  const at = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' });
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc'];
  openssl(
    'req',
    '-x509',
    ...ec,
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.crt'),
    '-subj',
    '/CN=ca',
    '-days',
    '1',
  );
  openssl('req', ...ec, '-keyout', at('leaf.key'), '-out', at('leaf.csr'), '-subj', '/CN=leaf');
  openssl(
    'x509',
    '-req',
    '-in',
    at('leaf.csr'),
    '-CA',
    at('ca.crt'),
    '-CAkey',
    at('ca.key'),
    '-CAcreateserial',
    '-out',
    at('leaf.crt'),
    '-days',
    '1',
  );
  openssl('pkey', '-in', at('leaf.key'), '-pubout', '-out', at('leaf.pub'));
  openssl('pkey', '-in', at('ca.key'), '-pubout', '-out', at('ca.pub'));
  const read = (name: string) => readFileSync(at(name), 'utf8');
  return { ca: read('ca.crt'), leaf: read('leaf.crt'), caKey: read('ca.pub'), leafKey: read('leaf.pub') };
}

t.test('public keys of every kind and form, one or several', async (t) => {
  const cases: { name: string; text: string; keys: object[] }[] = [
    { name: 'RSA', text: pemOf(rsa), keys: [bare(rsa)] },
    { name: 'RSA as PKCS #1', text: pemOf(rsa, 'pkcs1'), keys: [bare(rsa)] },
    { name: 'P-256', text: pemOf(ec), keys: [bare(ec)] },
    { name: 'Ed25519', text: pemOf(ed), keys: [bare(ed)] },
    { name: 'three', text: pemOf(rsa) + pemOf(ec) + pemOf(ed), keys: [bare(rsa), bare(ec), bare(ed)] },
    { name: 'with text around', text: `Bag Attributes\n  x: y\n${pemOf(ec)}\nthe end\n`, keys: [bare(ec)] },
    { name: 'with CRLF', text: pemOf(ec).replaceAll('\n', '\r\n'), keys: [bare(ec)] },
    {
      name: 'with parameters of the curve',
      text: `-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n${pemOf(ec)}`,
      keys: [bare(ec)],
    },
  ];
  for (const { name, text, keys } of cases) {
    t.ok(isPem(text), name);
    t.strictSame(readPem(text, 'jwksFile'), { keys }, name);
  }
});

t.test('of certificates the keys, but not those of their authorities', async (t) => {
  const { ca, leaf, caKey, leafKey } = makeChain(t);
  const { keys: own } = readPem(leafKey, 'jwksFile');
  const { keys: authority } = readPem(caKey, 'jwksFile');
  t.strictSame(readPem(leaf, 'jwksFile').keys, own);
  t.strictSame(readPem(leaf + ca, 'jwksFile').keys, own, 'a chain');
  t.strictSame(readPem(ca + leaf, 'jwksFile').keys, own, 'in any order');
  t.strictSame(readPem(ca, 'jwksFile').keys, authority, 'a self-signed one is the key');
  t.strictSame(readPem(ca + ca, 'jwksFile').keys.length, 2, 'twice, too');
});

t.test('what is no public key is refused, and nothing of it is quoted', async (t) => {
  const privateKeys = {
    'PKCS #8': ec.privateKey.export({ type: 'pkcs8', format: 'pem' }),
    'PKCS #1': rsa.privateKey.export({ type: 'pkcs1', format: 'pem' }),
    'SEC 1': ec.privateKey.export({ type: 'sec1', format: 'pem' }),
    encrypted: ec.privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }),
  };
  for (const [name, text] of Object.entries(privateKeys)) {
    const expected = { code: 'not_key_set', message: /^jwksFile holds a private key; .*openssl pkey/ };
    for (const whole of [text, `${pemOf(ec)}${text}`])
      t.throws(() => readPem(String(whole), 'jwksFile'), expected, name);
  }
  const pss = generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).publicKey;
  const faults: Readonly<Record<string, [string, RegExp]>> = {
    'damaged base64': [pemOf(ec).replace(/M/g, '!'), /PEM block 1 \(PUBLIC KEY\) is neither/],
    'the second one damaged': [`${pemOf(rsa)}${pemOf(ec).replace(/M/g, '!')}`, /PEM block 2/],
    'cut short': [pemOf(ec).slice(0, 60), /ends within a PEM block/],
    'a certificate request': [
      '-----BEGIN CERTIFICATE REQUEST-----\nAA==\n-----END CERTIFICATE REQUEST-----',
      /neither/,
    ],
    'RSA for PSS alone': [pss.export({ type: 'spki', format: 'pem' }) as string, /rsa-pss/],
    'no block': ['-----BEGIN -----', /no PEM block/],
    'beginnings without end': ['-----BEGIN PUBLIC KEY-----\n'.repeat(100_000), /ends within/],
  };
  for (const [name, [text, message]] of Object.entries(faults))
    t.throws(() => readPem(text, 'jwksFile'), { name: 'FetchError', code: 'not_key_set', message }, name);
});

t.test('JSON that holds PEM in its strings is JSON', async (t) => {
  for (const text of [`{"a":"${pemOf(ec).replaceAll('\n', '\\n')}"}`, `\n[\n"-----BEGIN X-----"]`, '{}', ''])
    t.notOk(isPem(text), text.slice(0, 20));
});
