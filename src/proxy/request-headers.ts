import { withoutCookie } from './cookie.ts';
import { addForwarded, type ForwardedKind, forwardedKind, type Hop, type Said } from './forwarded.ts';
import { isHopByHop, nominatedNames } from './hop-by-hop.ts';

/** Where a token stands, and must be taken out. */
export type TokenPlace =
  | { readonly type: 'bearer' }
  | { readonly type: 'cookie'; readonly name: string }
  | { readonly type: 'header'; readonly name: string };

export interface RequestHeadersOptions {
  /** True for a header name that no client may set. */
  strip(name: string): boolean;
  /** Headers that tokens are read from: another spelling of one was looked at by nobody, and goes no further. */
  readonly tokenHeaders: readonly string[];
}

export interface RequestHeadersInput {
  /** The client's headers as Node read them: name, value, name, value. */
  readonly rawHeaders: readonly string[];
  readonly upstream: { readonly preserveHost: boolean; readonly setHeaders: readonly string[] };
  /** None: nothing is taken out (forwardToken, a rule without auth, report mode). */
  readonly tokens: readonly TokenPlace[];
  /** Identity headers, flat. */
  readonly identity: readonly string[];
  readonly requestId: string;
  readonly hop: Hop;
  /** What the upstream does not see of the path; null: it sees all of it. */
  readonly stripPrefix: string | null;
}

type Kind = 'pass' | 'drop' | 'authority' | 'cookie' | 'authorization' | ForwardedKind;

interface Name {
  readonly lower: string;
  readonly normalized: string;
  readonly kind: Kind;
}

/** Real traffic spells few names, and short ones; what a client makes up beyond them is sorted anew each time. */
const knownNames = 1000;
const knownLength = 64;

/**
 * Compiles what the upstream receives as headers: the client's in their order and spelling, without what is
 * hop-by-hop (RFC 9110 section 7.6.1), a token or ours to say. Ours come first, since some upstreams read only so many
 * lines, and are never looked up in `Connection`, so that no client can have them removed. One pass.
 */
export function compileRequestHeaders(
  options: RequestHeadersOptions,
): (input: RequestHeadersInput) => string[] {
  const tokenHeaders = options.tokenHeaders.map((name) => name.toLowerCase());
  const strip = (name: string) => options.strip(name) || posesAs(name.toLowerCase(), tokenHeaders);
  const known = new Map<string, Name>();
  const classify = (name: string): Name => {
    const found = known.get(name);
    if (found !== undefined) return found;
    const fresh = sort(name, strip);
    if (known.size < knownNames && name.length <= knownLength) known.set(name, fresh);
    return fresh;
  };

  return function requestHeaders(input) {
    const { rawHeaders, upstream, tokens, hop } = input;
    const nominated = nominatedNames(rawHeaders);
    const holdsBearer = tokens.some(isBearer);
    const cookies = tokens.some(isCookie) ? tokens.filter(isCookie) : none;
    const taken = tokens.some(isHeader)
      ? tokens.filter(isHeader).map(({ name }) => classify(name).normalized)
      : noHeaders;
    const said: Said | null = hop.trusted ? { chain: null, proto: false, host: false, port: false } : null;
    const headers: string[] = [];
    let host: string | null = null;
    for (let i = 0; i < rawHeaders.length; i += 2) {
      const name = rawHeaders[i] as string;
      const value = rawHeaders[i + 1] as string;
      const { kind, lower, normalized } = classify(name);
      if (kind === 'drop' || taken.includes(normalized)) continue;
      if (kind === 'authority') host ??= value;
      else if (isForwarded(kind)) keepForwarded(headers, name, value, kind, said, input.stripPrefix);
      else if (nominated?.has(lower)) continue;
      else if (kind === 'cookie' && cookies.length > 0) {
        const others = cookies.reduce((line, { name }) => withoutCookie(line, name), value);
        if (others !== '') headers.push(name, others);
      } else if (kind !== 'authorization' || !holdsBearer) headers.push(name, value);
    }
    const own = upstream.preserveHost && host ? ['Host', host] : [];
    addForwarded(own, hop, host, said);
    if (input.stripPrefix !== null) own.push('X-Forwarded-Prefix', input.stripPrefix);
    own.push('X-Request-Id', input.requestId, ...input.identity, ...upstream.setHeaders);
    return own.concat(headers);
  };
}

const none: readonly never[] = [];
const noHeaders: readonly string[] = [];
const isBearer = ({ type }: TokenPlace) => type === 'bearer';
const isCookie = (place: TokenPlace) => place.type === 'cookie';
const isHeader = (place: TokenPlace) => place.type === 'header';

function sort(name: string, strip: (name: string) => boolean): Name {
  const lower = name.toLowerCase();
  const normalized = normalize(lower);
  return { lower, normalized, kind: kindOf(name, lower, normalized, strip) };
}

function kindOf(name: string, lower: string, normalized: string, strip: (name: string) => boolean): Kind {
  if (lower === 'host') return 'authority';
  if (isHopByHop(lower) || normalized === 'x_request_id' || strip(name)) return 'drop';
  if (posesAsFraming(lower, normalized)) return 'drop';
  if (lower === 'cookie' || lower === 'authorization') return lower;
  return forwardedKind(lower, normalized) ?? 'pass';
}

/** True for another spelling of one of some names, as `X_Assertion` is of `X-Assertion` to an upstream that reads `_` as `-`. */
function posesAs(lower: string, names: readonly string[]): boolean {
  return names.some((name) => name !== lower && normalize(name) === normalize(lower));
}

/** As the most lenient upstreams read a name: CGI, WSGI and Rack, and some servers every separator. */
function normalize(lower: string): string {
  return lower.replace(/[^a-z0-9]/g, '_');
}

/** True for a name such as `Transfer_Encoding`, which frames the message for an upstream that reads `_` as `-`. */
function posesAsFraming(lower: string, normalized: string): boolean {
  const dashed = normalized.replaceAll('_', '-');
  return dashed !== lower && (isHopByHop(dashed) || dashed === 'content-length');
}

function isForwarded(kind: Kind): kind is ForwardedKind {
  return (
    kind !== 'pass' &&
    kind !== 'cookie' &&
    kind !== 'authorization' &&
    kind !== 'authority' &&
    kind !== 'drop'
  );
}

/**
 * What becomes of one forwarding header: kept from a trusted proxy (`said` is not null), gone from anyone else.
 * `Connection` has no say in it: a client behind the proxy must not be able to hide its own address.
 */
function keepForwarded(
  headers: string[],
  name: string,
  value: string,
  kind: ForwardedKind,
  said: Said | null,
  stripPrefix: string | null,
): void {
  if (said === null || kind === 'spoof' || (kind === 'prefix' && stripPrefix !== null)) return;
  if (kind === 'for') {
    said.chain = said.chain === null ? value : `${said.chain}, ${value}`;
    return;
  }
  if (kind === 'proto' || kind === 'host' || kind === 'port') said[kind] = true;
  headers.push(name, value);
}
