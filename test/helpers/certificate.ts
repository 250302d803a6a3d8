import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIPv4 } from 'node:net';

export interface Certificate {
  /** PEM of the certificate. */
  readonly cert: string;
  /** PEM of its private key. */
  readonly key: string;
}

/** A certificate that can sign others. */
export interface Authority extends Certificate {
  readonly name: string;
  readonly privateKey: KeyObject;
}

export interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

export interface CertificateOptions {
  /** DNS names and IPv4 addresses that it is for. Default: localhost and 127.0.0.1. */
  readonly hosts?: readonly string[];
  /** Who signs it. Default: it signs itself, and may sign others. */
  readonly issuer?: Authority;
  readonly name?: string;
  /** Default: a new one of P-256. RSA and Ed25519 are known as well. */
  readonly keyPair?: KeyPair;
  /** Whether it may sign others. Default: where it signs itself. */
  readonly authority?: boolean;
  /** The end of TLS that it is for alone. Default: both. */
  readonly usage?: 'server' | 'client';
  /** Default: now, less a day. */
  readonly notBefore?: Date;
  /** Default: now, plus a day. */
  readonly notAfter?: Date;
}

const day = 24 * 60 * 60 * 1000;
const usages = { server: oid([1, 3, 6, 1, 5, 5, 7, 3, 1]), client: oid([1, 3, 6, 1, 5, 5, 7, 3, 2]) };

/** Makes an X.509 certificate, version 3 (RFC 5280), so that no test needs openssl. */
export function createCertificate(options: CertificateOptions = {}): Authority {
  const { hosts = ['localhost', '127.0.0.1'], issuer, name = 'test' } = options;
  const { notBefore = new Date(Date.now() - day), notAfter = new Date(Date.now() + day) } = options;
  const { authority = issuer === undefined, usage } = options;
  const { publicKey, privateKey } = options.keyPair ?? generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const signer = issuer?.privateKey ?? privateKey;
  const algorithm = signatureAlgorithm(signer);
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const body = tlv(
    0x30,
    tlv(0xa0, tlv(0x02, Buffer.from([2]))),
    tlv(0x02, Buffer.from([1]), randomBytes(7)),
    algorithm,
    distinguishedName(issuer?.name ?? name),
    tlv(0x30, time(notBefore), time(notAfter)),
    distinguishedName(name),
    spki,
    tlv(0xa3, tlv(0x30, ...extensions(hosts, spki, authority), ...(usage ? [usedFor(usage)] : []))),
  );
  const signature = sign(signer.asymmetricKeyType === 'ed25519' ? null : 'sha256', body, signer);
  const der = tlv(0x30, body, algorithm, tlv(0x03, Buffer.from([0]), signature));
  const lines = der
    .toString('base64')
    .match(/.{1,64}/g)
    ?.join('\n');
  return {
    name,
    privateKey,
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  };
}

/** RFC 5758, RFC 4055 and RFC 8410. */
function signatureAlgorithm({ asymmetricKeyType }: KeyObject): Buffer {
  if (asymmetricKeyType === 'rsa') return tlv(0x30, oid([1, 2, 840, 113549, 1, 1, 11]), tlv(0x05));
  if (asymmetricKeyType === 'ed25519') return tlv(0x30, oid([1, 3, 101, 112]));
  return tlv(0x30, oid([1, 2, 840, 10045, 4, 3, 2]));
}

function usedFor(usage: 'server' | 'client'): Buffer {
  return extension([2, 5, 29, 37], tlv(0x30, usages[usage]));
}

function extensions(hosts: readonly string[], spki: Buffer, authority: boolean): Buffer[] {
  const names = hosts.map((host) =>
    isIPv4(host) ? tlv(0x87, Buffer.from(host.split('.').map(Number))) : tlv(0x82, Buffer.from(host)),
  );
  const keyId = createHash('sha1').update(spki).digest();
  return [
    extension([2, 5, 29, 17], tlv(0x30, ...names)),
    extension([2, 5, 29, 14], tlv(0x04, keyId)),
    extension([2, 5, 29, 19], authority ? tlv(0x30, tlv(0x01, Buffer.from([0xff]))) : tlv(0x30)),
  ];
}

function extension(id: readonly number[], value: Buffer): Buffer {
  return tlv(0x30, oid(id), tlv(0x04, value));
}

function distinguishedName(commonName: string): Buffer {
  return tlv(0x30, tlv(0x31, tlv(0x30, oid([2, 5, 4, 3]), tlv(0x0c, Buffer.from(commonName)))));
}

function time(date: Date): Buffer {
  return tlv(0x18, Buffer.from(date.toISOString().replace(/[-:T]|\.\d+/g, '')));
}

function oid([first = 0, second = 0, ...rest]: readonly number[]): Buffer {
  const octets = rest.flatMap((part) => {
    const digits = [part & 0x7f];
    for (let left = part >>> 7; left > 0; left >>>= 7) digits.unshift((left & 0x7f) | 0x80);
    return digits;
  });
  return tlv(0x06, Buffer.from([first * 40 + second, ...octets]));
}

/** One DER element: tag, length, value. */
function tlv(tag: number, ...values: readonly Buffer[]): Buffer {
  const value = Buffer.concat(values);
  if (value.length < 0x80) return Buffer.concat([Buffer.from([tag, value.length]), value]);
  const length: number[] = [];
  for (let left = value.length; left > 0; left >>>= 8) length.unshift(left & 0xff);
  return Buffer.concat([Buffer.from([tag, 0x80 | length.length, ...length]), value]);
}
