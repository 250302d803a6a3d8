/** What the gateway knows first-hand of the connection that a request came on. */
export interface Hop {
  /** Address of the peer. */
  readonly peer: string;
  /** Whether the peer is a trusted proxy, whose `X-Forwarded-*` are believed. */
  readonly trusted: boolean;
  /** Whether the connection is TLS. */
  readonly secure: boolean;
  /** Port that the connection came in on. */
  readonly port: number;
}

/** What a header says about the hops before: nothing, or which of them; `spoof` passes from nobody. */
export type ForwardedKind = 'for' | 'proto' | 'host' | 'port' | 'prefix' | 'other' | 'spoof';

const kinds: ReadonlyMap<string, ForwardedKind> = new Map([
  ['x-forwarded-for', 'for'],
  ['x-forwarded-proto', 'proto'],
  ['x-forwarded-host', 'host'],
  ['x-forwarded-port', 'port'],
  ['x-forwarded-prefix', 'prefix'],
  ['forwarded', 'other'],
  ['x-real-ip', 'other'],
]);

/**
 * Sorts a header name, lower-cased and with each non-alphanumeric read as `_`. Spellings that only a sloppy upstream
 * reads as `X-Forwarded-*`, such as `X_Forwarded_For`, are spoofs even where a trusted proxy let them through.
 */
export function forwardedKind(lowerName: string, normalizedName: string): ForwardedKind | null {
  const kind = kinds.get(lowerName);
  if (kind !== undefined) return kind;
  if (normalizedName === 'x_real_ip' || normalizedName === 'x_forwarded') return 'spoof';
  if (!normalizedName.startsWith('x_forwarded_')) return null;
  return lowerName.startsWith('x-forwarded-') && !kinds.has(normalizedName.replaceAll('_', '-'))
    ? 'other'
    : 'spoof';
}

/** `uri-host [":" port]`, RFC 3986 section 3.2.2: no user, path or second name, which others could read into it. */
const legalHost = /^[\w.~!$&'()*+,;=%:[\]-]*$/;

/** Whether the value of `Host` can be read in one way only; the empty one can. */
export function isLegalHost(value: string): boolean {
  return legalHost.test(value);
}

/** The scheme that an `X-Forwarded-Proto` means; Traefik and others say that of a WebSocket. Undefined: it is none. */
export function readScheme(proto: string | undefined): 'http' | 'https' | undefined {
  switch (proto?.toLowerCase()) {
    case 'https':
    case 'wss':
      return 'https';
    case 'http':
    case 'ws':
      return 'http';
    default:
      return undefined;
  }
}

/** What a trusted proxy said itself. */
export interface Said {
  /** Its `X-Forwarded-For` lines, joined. */
  chain: string | null;
  proto: boolean;
  host: boolean;
  port: boolean;
}

/** The forwarding headers that are ours to add, flat. What a trusted proxy said is completed, never replaced. */
export function addForwarded(headers: string[], hop: Hop, host: string | null, said: Said | null): void {
  const chain = said?.chain ?? null;
  headers.push('X-Forwarded-For', chain === null ? hop.peer : `${chain}, ${hop.peer}`);
  if (!said?.proto) headers.push('X-Forwarded-Proto', hop.secure ? 'https' : 'http');
  if (!said?.host && host !== null) headers.push('X-Forwarded-Host', host);
  if (!said?.port) headers.push('X-Forwarded-Port', String(hop.port));
}
