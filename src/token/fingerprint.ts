import { hash } from 'node:crypto';

/** A token's SHA-256: what tells it from any other, and tells nobody the token. */
export function digestOf(token: string): Buffer {
  return hash('sha256', token, 'buffer');
}

/** Names a token in the log: the first 8 hex digits of its digest. */
export function fingerprint(digest: Buffer): string {
  return digest.toString('hex', 0, 4);
}
