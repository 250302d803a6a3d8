import { isLoopback, isOffLimits } from './address.ts';
import { FetchError } from './error.ts';
import type { FetchJson } from './fetch.ts';
import { isObject } from './json.ts';

/**
 * Finds an issuer's `jwks_uri`: OpenID Connect Discovery 1.0 section 4, and where the issuer has no such document,
 * RFC 8414 section 3. Rejects with a {@link FetchError}: of the fetch, or `metadata_invalid`, `issuer_mismatch`,
 * `address_not_allowed`.
 */
export async function discover(issuer: string, fetchJson: FetchJson): Promise<string> {
  const base = parseUrl(issuer);
  if (base === undefined) throw new FetchError('metadata_invalid', 'the issuer is not a URL');
  const metadata = await fetchMetadata(base, fetchJson);
  if (!isObject(metadata)) throw new FetchError('metadata_invalid', 'the metadata is not an object');
  // Otherwise one issuer could publish the keys of another, RFC 8414 section 3.3.
  if (metadata.issuer !== issuer) {
    throw new FetchError('issuer_mismatch', describeMismatch(issuer, metadata.issuer));
  }
  return readKeysUrl(metadata.jwks_uri, base);
}

function describeMismatch(wanted: string, got: unknown): string {
  if (typeof got !== 'string') return 'the metadata does not say whose they are: "issuer" is not a string';
  const [shown, own] = [show(got), show(wanted)];
  const differs = withoutSlash(got) === withoutSlash(wanted) ? '; they differ in the slash at the end' : '';
  return `the metadata is of issuer ${shown}, and the config says ${own}${differs}`;
}

function withoutSlash(issuer: string): string {
  return issuer.replace(/\/$/, '');
}

/** Without credentials and query, in characters that a terminal shows as they are, and not for ever. */
function show(issuer: string): string {
  const bare = issuer.replace(/^([a-z][a-z0-9+.-]*:)?([/\\]*)[^/\\?#]*@/i, '$1$2').replace(/[?#].*$/s, '');
  const printable = bare.replace(/[^\x21-\x7e]/g, '?');
  return printable.length > 200 ? `${printable.slice(0, 200)}...` : printable;
}

async function fetchMetadata({ origin, pathname }: URL, fetchJson: FetchJson): Promise<unknown> {
  const path = pathname.replace(/\/$/, '');
  try {
    return (await fetchJson(`${origin}${path}/.well-known/openid-configuration`, ownOrigin)).document;
  } catch (first) {
    if (!isAbsence(first)) throw first;
    const second = fetchJson(`${origin}/.well-known/oauth-authorization-server${path}`, ownOrigin);
    const { document } = await second.catch((error: unknown) => {
      throw isAbsence(error) ? first : error;
    });
    return document;
  }
}

/** The token of `bearerTokenFile` is meant for the issuer, and this is its own address. */
const ownOrigin = { withToken: true };

/** Whether an answer says that there is no such document; some servers send the browser elsewhere instead. */
function isAbsence(error: unknown): boolean {
  return error instanceof FetchError && (error.code === 'status' || error.code === 'redirect');
}

function readKeysUrl(value: unknown, issuer: URL): string {
  const url = parseUrl(value);
  if (url === undefined) throw new FetchError('metadata_invalid', 'jwks_uri is not an http or https URL');
  // Metadata must not steer our requests to what only this machine or its cloud can reach.
  if (isOffLimits(url) || (isLoopback(url) && !isLoopback(issuer))) {
    throw new FetchError('address_not_allowed', 'jwks_uri points to an address that metadata may not name');
  }
  return url.href;
}

function parseUrl(value: unknown): URL | undefined {
  if (typeof value !== 'string' || !URL.canParse(value)) return undefined;
  const url = new URL(value);
  const plain = url.username === '' && url.password === '';
  return plain && (url.protocol === 'https:' || url.protocol === 'http:') ? url : undefined;
}
