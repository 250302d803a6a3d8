import { constants, createHmac, type KeyObject, sign } from 'node:crypto';

export interface Forgery {
  /** An object becomes JSON without its undefined members; a string or bytes stand as they are. */
  readonly header: object | string | null;
  readonly payload: object | string | null;
  /** How it is really signed, whatever the header says; `none` leaves the signature empty. */
  readonly alg: string;
  /** For HS*, the secret. */
  readonly key?: KeyObject | string | Uint8Array;
}

/** Signs a compact JWS (RFC 7515 section 7.1) with no check at all, for tokens that no library would make. */
export function forge({ header, payload, alg, key }: Forgery): string {
  const input = `${part(header)}.${part(payload)}`;
  return `${input}.${signature(alg, key, input).toString('base64url')}`;
}

/** Base64url of a part: for parts put together by hand. */
export function part(content: object | string | null): string {
  const raw = typeof content === 'string' || content instanceof Uint8Array;
  return Buffer.from(raw ? content : JSON.stringify(content)).toString('base64url');
}

/** A JWS signature (RFC 7518 section 3) over the two first parts. */
export function signature(alg: string, key: Forgery['key'], input: string): Buffer {
  if (alg === 'none') return Buffer.alloc(0);
  if (key === undefined) throw new TypeError(`${alg} needs a key`);
  const digest = `sha${alg.slice(2)}`;
  if (alg.startsWith('HS')) return createHmac(digest, key).update(input).digest();
  if (!isKeyObject(key)) throw new TypeError(`${alg} needs a private key`);
  const data = Buffer.from(input);
  if (alg === 'EdDSA') return sign(null, data, key);
  if (alg.startsWith('ES')) return sign(digest, data, { key, dsaEncoding: 'ieee-p1363' });
  if (alg.startsWith('RS')) return sign(digest, data, key);
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  return sign(digest, data, { key, padding, saltLength: constants.RSA_PSS_SALTLEN_DIGEST });
}

function isKeyObject(key: KeyObject | string | Uint8Array): key is KeyObject {
  return typeof key === 'object' && 'asymmetricKeyType' in key;
}
