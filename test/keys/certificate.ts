import { generateKeyPairSync, sign } from 'node:crypto';

export interface Certificate {
  /** PEM. */
  readonly key: string;
  readonly cert: string;
}

export interface CertificateOptions {
  /** Default 127.0.0.1. */
  readonly address?: string;
  /** Default: one day from now. */
  readonly until?: Date;
}

const day = 24 * 3600 * 1000;
const oid = { commonName: '550403', subjectAltName: '551d11', ecdsaWithSha256: '2a8648ce3d040302' };

/** Makes a self-signed certificate (RFC 5280 section 4.1) for an IPv4 address. */
export function makeCertificate(options: CertificateOptions = {}): Certificate {
  const { address = '127.0.0.1', until = new Date(Date.now() + day) } = options;
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = sequence(der(0x06, hex(oid.ecdsaWithSha256)));
  const name = sequence(der(0x31, sequence(der(0x06, hex(oid.commonName)), der(0x0c, Buffer.from(address)))));
  const ipAddress = der(0x87, Buffer.from(address.split('.').map(Number)));
  const alternative = sequence(der(0x06, hex(oid.subjectAltName)), der(0x04, sequence(ipAddress)));
  const content = sequence(
    der(0xa0, der(0x02, hex('02'))),
    der(0x02, hex('01')),
    algorithm,
    name,
    sequence(time(new Date(until.getTime() - 2 * day)), time(until)),
    name,
    publicKey.export({ format: 'der', type: 'spki' }),
    der(0xa3, sequence(alternative)),
  );
  const signature = sign('sha256', content, privateKey);
  const bytes = sequence(content, algorithm, der(0x03, Buffer.concat([hex('00'), signature])));
  return {
    key: privateKey.export({ format: 'pem', type: 'pkcs8' }) as string,
    cert: `-----BEGIN CERTIFICATE-----\n${bytes.toString('base64')}\n-----END CERTIFICATE-----\n`,
  };
}

/** Tag, length and content, X.690 section 8.1. */
function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  const size = content.length;
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

function sequence(...contents: readonly Uint8Array[]): Buffer {
  return der(0x30, ...contents);
}

/** GeneralizedTime. */
function time(date: Date): Buffer {
  return der(0x18, Buffer.from(`${date.toISOString().replace(/[-:T]|\..*$/g, '')}Z`));
}

function hex(text: string): Buffer {
  return Buffer.from(text, 'hex');
}
