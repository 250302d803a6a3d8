const names: ReadonlySet<string> = new Set([
  'connection',
  'expect',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** What `Connection` may not take away: it frames the message or is for every recipient, RFC 9110 section 7.6.1. */
const endToEnd: ReadonlySet<string> = new Set(['close', 'keep-alive', 'content-length', 'host', '']);

/** True for a lower-cased name of a field that is meant for one connection only, RFC 9110 section 7.6.1. */
export function isHopByHop(lowerName: string): boolean {
  return names.has(lowerName);
}

/**
 * Lower-cased names that the `Connection` fields of a flat list (name, value, name, value) declare hop-by-hop.
 * Null where they declare none, as nearly always.
 */
export function nominatedNames(headers: readonly string[]): ReadonlySet<string> | null {
  let nominated: Set<string> | null = null;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    if (name.length !== 10 || name.toLowerCase() !== 'connection') continue;
    for (const text of (headers[i + 1] as string).split(',')) {
      const option = text.trim().toLowerCase();
      if (endToEnd.has(option)) continue;
      nominated ??= new Set();
      nominated.add(option);
    }
  }
  return nominated;
}
