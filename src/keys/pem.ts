import { createPublicKey, X509Certificate } from 'node:crypto';
import { FetchError } from './error.ts';

interface Block {
  readonly label: string;
  readonly text: string;
}

/** What openssl writes before a key on a curve. It holds no key. */
const ignoredLabels: ReadonlySet<string> = new Set(['EC PARAMETERS']);

/** Whether a file is PEM, RFC 7468, and not JSON, which may hold PEM in its strings. */
export function isPem(text: string): boolean {
  return /^-----BEGIN /m.test(text) && !/^\s*[{["]/.test(text);
}

/**
 * Reads the public keys and certificates of a PEM file as a JWK Set, RFC 7517 section 5. The keys have no ids. Of a
 * certificate only the key counts, not its dates. One that issued another one of the file is that one's authority: it
 * signs certificates, not tokens, and is left out.
 *
 * @param option - says in the error which file it was
 * @throws FetchError `not_key_set`
 */
export function readPem(text: string, option: string): { readonly keys: readonly object[] } {
  const blocks = splitBlocks(text, option).filter(({ label }) => !ignoredLabels.has(label));
  if (blocks.some(({ label }) => label.endsWith('PRIVATE KEY'))) {
    throw new FetchError(
      'not_key_set',
      `${option} holds a private key; put only its public half there (openssl pkey -in private.pem -pubout)`,
    );
  }
  const read = blocks.map((block, index) => readBlock(block, `${option}, PEM block ${index + 1}`));
  const certificates = read.filter((key) => key instanceof X509Certificate);
  const keys = read.filter((key) => !(key instanceof X509Certificate && isAuthority(key, certificates)));
  return { keys: keys.map((key, index) => exportKey(key, `${option}, key ${index + 1}`)) };
}

function splitBlocks(text: string, option: string): Block[] {
  const blocks: Block[] = [];
  const begin = /-----BEGIN ([A-Z0-9 ]{1,40})-----/g;
  for (let found = begin.exec(text); found !== null; found = begin.exec(text)) {
    const label = found[1] as string;
    const end = `-----END ${label}-----`;
    const last = text.indexOf(end, begin.lastIndex);
    if (last === -1) throw new FetchError('not_key_set', `${option} ends within a PEM block (${label})`);
    blocks.push({ label, text: text.slice(found.index, last + end.length) });
    begin.lastIndex = last + end.length;
  }
  if (blocks.length === 0) throw new FetchError('not_key_set', `${option} holds no PEM block`);
  return blocks;
}

type Readable = ReturnType<typeof createPublicKey> | X509Certificate;

function readBlock({ label, text }: Block, name: string): Readable {
  try {
    return label.endsWith('CERTIFICATE') ? new X509Certificate(text) : createPublicKey(text);
  } catch {
    throw new FetchError('not_key_set', `${name} (${label}) is neither a public key nor a certificate`);
  }
}

/** A self-signed certificate issued nothing but itself. */
function isAuthority(certificate: X509Certificate, others: readonly X509Certificate[]): boolean {
  const own = certificate.fingerprint256;
  return others.some((other) => other.fingerprint256 !== own && other.checkIssued(certificate));
}

function exportKey(key: Readable, name: string): object {
  const publicKey = key instanceof X509Certificate ? key.publicKey : key;
  try {
    return publicKey.export({ format: 'jwk' });
  } catch {
    throw new FetchError(
      'not_key_set',
      `${name} is of a type that no JWK can have (${publicKey.asymmetricKeyType})`,
    );
  }
}
