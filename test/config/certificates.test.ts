import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import t from 'tap';
import { checkCertificates } from '../../src/config/check-certificates.ts';
import { formatPath } from '../../src/config/path.ts';
import { createCertificate } from '../helpers/certificate.ts';

const day = 24 * 60 * 60 * 1000;
const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const good = createCertificate({ keyPair: pair });
const middle = createCertificate({ issuer: good, authority: true });
const weak = createCertificate({ keyPair: generateKeyPairSync('rsa', { modulusLength: 1024 }) });
const strong = createCertificate({ keyPair: generateKeyPairSync('rsa', { modulusLength: 2048 }) });
const edwards = createCertificate({ keyPair: generateKeyPairSync('ed25519') });
const at = (days: number) => new Date(Date.now() + days * day);
const passphrase = 'a passphrase';

const contents = {
  cert: good.cert,
  key: good.key,
  chain: good.cert + middle.cert,
  'key and cert': good.key + good.cert,
  'as openssl writes it': `-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n${pair.privateKey.export({ type: 'sec1', format: 'pem' })}`,
  'RSA cert': strong.cert,
  'RSA key': strong.key,
  'Ed25519 cert': edwards.cert,
  'Ed25519 key': edwards.key,
  'weak cert': weak.cert,
  'weak key': weak.key,
  'encrypted key': String(
    pair.privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase }),
  ),
  'encrypted as of old': String(
    pair.privateKey.export({ type: 'sec1', format: 'pem', cipher: 'aes-256-cbc', passphrase }),
  ),
  expired: createCertificate({ keyPair: pair, notBefore: at(-2), notAfter: at(-1) }).cert,
  'not valid yet': createCertificate({ keyPair: pair, notBefore: at(1), notAfter: at(2) }).cert,
  text: 'no PEM',
  empty: '',
  damaged: '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n',
  'cut off': good.cert + middle.cert.slice(0, 200),
};

type File = keyof typeof contents | 'missing' | null;

t.test('certificates, keys and authorities', (t) => {
  const folder = t.testdir(contents);
  const cases: readonly { cert: File; key: File; ca?: File; fault?: string; warning?: RegExp }[] = [
    { cert: null, key: null },
    { cert: null, key: null, ca: 'chain' },
    { cert: 'cert', key: 'key', ca: 'cert' },
    { cert: 'chain', key: 'key' },
    { cert: 'key and cert', key: 'key and cert' },
    { cert: 'cert', key: 'as openssl writes it' },
    { cert: 'RSA cert', key: 'RSA key' },
    { cert: 'Ed25519 cert', key: 'Ed25519 key' },
    { cert: 'missing', key: 'key', fault: 'certFile: the file cannot be read (ENOENT)' },
    { cert: 'cert', key: 'missing', fault: 'keyFile: the file cannot be read (ENOENT)' },
    { cert: 'text', key: 'key', fault: 'certFile: the file holds no certificate in PEM' },
    { cert: 'empty', key: 'key', fault: 'certFile: the file holds no certificate in PEM' },
    { cert: 'damaged', key: 'key', fault: 'certFile: the file holds a certificate that is damaged' },
    { cert: 'cut off', key: 'key', fault: 'certFile: the file holds a certificate that is damaged' },
    { cert: 'cert', key: 'text', fault: 'keyFile: the file holds no private key in PEM' },
    { cert: 'cert', key: 'empty', fault: 'keyFile: the file holds no private key in PEM' },
    { cert: 'cert', key: 'cert', fault: 'keyFile: the file holds no private key in PEM' },
    {
      cert: 'cert',
      key: 'RSA key',
      fault: 'keyFile: the key is not that of the first certificate in certFile',
    },
    { cert: 'weak cert', key: 'weak key', fault: 'keyFile: the key has 1024 bits; RSA needs 2048' },
    ...(['encrypted key', 'encrypted as of old'] as const).map((key) => ({
      cert: 'cert' as const,
      key,
      fault: 'keyFile: the file holds an encrypted key: there is nobody to ask for its passphrase',
    })),
    { cert: null, key: null, ca: 'missing', fault: 'caFile: the file cannot be read (ENOENT)' },
    { cert: null, key: null, ca: 'text', fault: 'caFile: the file holds no certificate in PEM' },
    { cert: null, key: null, ca: 'cut off', fault: 'caFile: the file holds a certificate that is damaged' },
    { cert: 'expired', key: 'key', warning: /^certFile: expired on \w+/ },
    { cert: 'not valid yet', key: 'key', warning: /^certFile: is not valid before \w+/ },
  ];
  for (const { cert, key, ca = null, fault, warning } of cases) {
    const name = `${cert}, ${key}, ${ca}`;
    const [certFile = null, keyFile = null, caFile = null] = [cert, key, ca].map((file) =>
      file === null ? null : join(folder, file),
    );
    const { faults, warnings } = checkCertificates({ certFile, keyFile, authorities: { caFile } }, []);
    const say = ({ path, message }: (typeof faults)[number]) => `${formatPath(path)}: ${message}`;
    t.same(faults.map(say), fault === undefined ? [] : [fault], name);
    t.match(warnings.map(say), warning === undefined ? [] : [warning], name);
    t.equal(warnings.length, warning === undefined ? 0 : 1, name);
  }
  t.end();
});
