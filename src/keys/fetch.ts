import { lookup as systemLookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { Agent, type Dispatcher } from 'undici';
import { hostOf, isLoopback } from './address.ts';
import { decodeBody } from './decode.ts';
import { codeOf, FetchError } from './error.ts';
import { readText } from './file.ts';
import { parseJson } from './json.ts';
import { guardLookup, type MayReach } from './reach.ts';
import { type Schedule, scheduleTimer } from './schedule.ts';

/** What came from a URL or a file. */
export interface FetchedJson {
  readonly document: unknown;
  /** `max-age` of Cache-Control in milliseconds (RFC 9111 section 5.2.2.1), where there is one. */
  readonly maxAge?: number;
}

/** Gets one JSON document. Rejects with a {@link FetchError}. */
export type FetchJson = (url: string, request?: FetchRequest) => Promise<FetchedJson>;

export interface FetchRequest {
  /** Asked of every address that would be dialed; not where a proxy dials. Default: any. */
  readonly mayReach?: MayReach;
  /** Whether the bearer token is meant for this address. Default: no. */
  readonly withToken?: boolean;
}

/** How to connect; fits the `connect` and `requestTls` options of undici's agents. */
export interface ConnectOptions {
  /** Milliseconds. */
  readonly timeout: number;
  /** Said aloud, so that NODE_TLS_REJECT_UNAUTHORIZED cannot switch the verification off. */
  readonly rejectUnauthorized: true;
  /** PEM, in place of the usual roots. */
  readonly ca?: string;
  readonly lookup?: LookupFunction;
}

/** Makes the connections of one fetch, which destroys them at its end. */
export type DispatcherFactory = (connect: ConnectOptions) => Dispatcher;

export interface FetchOptions {
  /** Milliseconds from the first step to the last byte of one document. */
  readonly timeout: number;
  /** Bytes of a document. */
  readonly maxSize: number;
  /** PEM of the only authorities to trust; read at every fetch. */
  readonly caFile: string | null;
  /** Its trimmed content is sent as bearer token with the requests that say so; read at every fetch. */
  readonly bearerTokenFile: string | null;
  /** http is otherwise for loopback alone. */
  readonly allowInsecureHttp: boolean;
  /** Connects to everything but loopback. Default: a connection of its own, with TLS verified. */
  readonly dispatcher?: DispatcherFactory;
  /** Default: the system's. */
  readonly lookup?: LookupFunction;
  /** Default: an unref'ed timer. */
  readonly schedule?: Schedule;
}

/**
 * Fetches JSON with GET: status 200 only, no redirect followed, TLS always verified, size and total time limited.
 * The content type is not looked at, since many issuers send a wrong one.
 */
export function createFetchJson(options: FetchOptions): FetchJson {
  const { timeout, dispatcher = connectDirectly, lookup = systemLookup, schedule = scheduleTimer } = options;
  return async (url, { mayReach = anywhere, withToken = false } = {}) => {
    const target = readTarget(url, options.allowInsecureHttp);
    const host = hostOf(target);
    // An address is dialed without being looked up.
    if (isIP(host) !== 0 && !mayReach(host)) throw notAllowed(target);
    const authority = await readAuthority(options.caFile);
    // No proxy could reach what is this machine alone.
    const connect = isLoopback(target) ? connectDirectly : dispatcher;
    const connections = connect({
      timeout,
      rejectUnauthorized: true,
      ...authority,
      lookup: guardLookup(lookup, mayReach),
    });
    let cancel = () => {};
    // A race: undici notices an aborted signal only once it is connected.
    const late = new Promise<never>((_, reject) => {
      const expire = () => reject(new FetchError('timeout', `${nameOf(target)} took too long`));
      cancel = schedule(expire, timeout);
    });
    try {
      return await Promise.race([exchange(connections, target, { ...options, withToken }), late]);
    } catch (error) {
      throw translate(error, target);
    } finally {
      cancel();
      connections.destroy().catch(() => {});
    }
  };
}

const anywhere: MayReach = () => true;

const connectDirectly: DispatcherFactory = (connect) => new Agent({ connections: 1, connect });

function readTarget(url: string, allowInsecureHttp: boolean): URL {
  const target = URL.canParse(url) ? new URL(url) : undefined;
  if (target?.protocol === 'https:') return target;
  if (target?.protocol !== 'http:') throw new FetchError('insecure', 'not an https URL');
  if (allowInsecureHttp || isLoopback(target)) return target;
  throw new FetchError('insecure', `${nameOf(target)} is plain http`);
}

async function exchange(
  connections: Dispatcher,
  target: URL,
  { maxSize, bearerTokenFile, withToken }: FetchOptions & Required<Pick<FetchRequest, 'withToken'>>,
): Promise<FetchedJson> {
  const { statusCode, headers, body } = await connections.request({
    origin: target.origin,
    path: target.pathname + target.search,
    method: 'GET',
    headers: {
      accept: 'application/json, application/jwk-set+json',
      'accept-encoding': 'identity',
      'user-agent': 'jwks-sidecar',
      ...(withToken && (await readCredentials(bearerTokenFile))),
    },
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  if (statusCode >= 300 && statusCode < 400) {
    throw new FetchError('redirect', `${nameOf(target)} redirects (${statusCode})`);
  }
  if (statusCode !== 200) {
    const wanted = (statusCode === 401 || statusCode === 403) && bearerTokenFile !== null && !withToken;
    throw new FetchError(
      'status',
      `${nameOf(target)} answered ${statusCode}${wanted ? ` ${tokenWithheld}` : ''}`,
    );
  }
  const bytes = await readBody(body, Number(headers['content-length'] ?? 0), maxSize, target);
  const decoded = await decodeBody(bytes, headers['content-encoding'], { maxSize, name: nameOf(target) });
  const maxAge = readMaxAge(headers['cache-control']);
  return {
    document: parseJson(new TextDecoder().decode(decoded), nameOf(target)),
    ...(maxAge !== undefined && { maxAge }),
  };
}

/** The metadata could name any host. */
const tokenWithheld =
  "(bearerTokenFile was not sent, because this is not the issuer's own origin; set jwksUri to this address if the token is meant for it)";

async function readBody(
  body: AsyncIterable<Uint8Array>,
  announced: number,
  maxSize: number,
  target: URL,
): Promise<Uint8Array> {
  const tooLarge = () => new FetchError('too_large', `${nameOf(target)} sent more than ${maxSize} bytes`);
  if (announced > maxSize) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > maxSize) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function readMaxAge(header: string | string[] | undefined): number | undefined {
  const directives = String(header ?? '')
    .toLowerCase()
    .split(',');
  const maxAge = directives
    .map((directive) => directive.trim())
    .find((directive) => directive.startsWith('max-age='));
  const seconds = /^max-age="?(\d{1,10})"?$/.exec(maxAge ?? '')?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}

async function readAuthority(file: string | null): Promise<{ ca?: string }> {
  return file === null ? {} : { ca: await readText(file, 'caFile') };
}

async function readCredentials(file: string | null): Promise<{ authorization?: string }> {
  if (file === null) return {};
  const token = (await readText(file, 'bearerTokenFile')).trim();
  if (token === '') throw new FetchError('file_unreadable', 'bearerTokenFile is empty');
  return { authorization: `Bearer ${token}` };
}

function translate(error: unknown, target: URL): FetchError {
  if (error instanceof FetchError) return error;
  const code = codeOf(error);
  if (code === 'ADDRESS_NOT_ALLOWED') return notAllowed(target);
  return /^(ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|EPROTO)/.test(code)
    ? new FetchError('tls', `TLS to ${target.host} failed (${code})`)
    : new FetchError('network', `${target.host} cannot be reached (${code})`);
}

function notAllowed(target: URL): FetchError {
  return new FetchError(
    'address_not_allowed',
    `${target.host} is at an address that metadata may not lead to`,
  );
}

/** Without query and credentials. */
function nameOf(url: URL): string {
  return url.origin + url.pathname;
}
