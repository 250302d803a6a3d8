export interface ResponseRewriteOptions {
  /** `scheme://host[:port]` as the client sees the gateway. */
  readonly ownOrigin: string;
  readonly upstream: { readonly origin: string; readonly basePath: string; readonly preserveHost: boolean };
  readonly stripPrefix: string | null;
}

/** The value of an answer's header (name in lower case) as the client must read it. */
export type ResponseRewrite = (lowerName: string, value: string) => string;

/**
 * How paths that the upstream names (`Location`, `Content-Location`, `Path` of `Set-Cookie`) are mapped back to those
 * that the client knows. Null where both see the same paths. A path that already has the prefix stays: some upstreams
 * heed `X-Forwarded-Prefix` themselves.
 */
export function createResponseRewrite(options: ResponseRewriteOptions): ResponseRewrite | null {
  const { upstream, ownOrigin } = options;
  const prefix = (options.stripPrefix ?? '').replace(/\/$/, '');
  if (prefix === '' && upstream.basePath === '' && upstream.preserveHost) return null;
  const map = (path: string) => mapPath(path, upstream.basePath, prefix);
  return (lowerName, value) => {
    if (lowerName === 'set-cookie') return mapCookie(value, map);
    if (lowerName === 'location' || lowerName === 'content-location') {
      return mapLocation(value, map, upstream.origin, ownOrigin);
    }
    return value;
  };
}

function mapPath(path: string, basePath: string, prefix: string): string {
  if (prefix !== '' && isUnder(path, prefix)) return path;
  if (!isUnder(path, basePath)) return path === '/' ? prefix || path : path;
  const mapped = prefix + path.slice(basePath.length);
  return mapped.startsWith('/') ? withoutHost(mapped) : `/${mapped}`;
}

/**
 * A path with one slash at its beginning. With two of either kind, also where dot segments or tabs stand between them, a
 * browser takes what follows for a host, and the mapping would have made a redirect to anywhere (WHATWG URL, section 4.4).
 */
function withoutHost(path: string): string {
  return path.replace(/^[/\\\t\r\n]+(?:(?:\.|%2e){1,2}[/\\\t\r\n]+)*/i, '/');
}

function isUnder(path: string, prefix: string): boolean {
  return path.startsWith(prefix) && /^($|[/?#])/.test(path.slice(prefix.length));
}

function mapLocation(
  value: string,
  map: (path: string) => string,
  upstreamOrigin: string,
  ownOrigin: string,
): string {
  if (value.startsWith('/')) return value.startsWith('//') ? value : map(value);
  const parts = /^(https?:\/\/[^/?#]*)(.*)$/i.exec(value);
  if (parts === null) return value;
  const [, origin, path] = parts as unknown as [string, string, string];
  const host = hostOf(origin);
  const ownHost = hostOf(ownOrigin);
  if (host === ownHost) return origin + map(path || '/');
  if (host !== hostOf(upstreamOrigin)) return value;
  // A client with an empty Host, or none, gets the path alone: a browser takes the path of `http:///path` for a host.
  return ownHost === '' ? withoutHost(map(path || '/')) : ownOrigin + map(path || '/');
}

/** The authority in lower case without its scheme's own port: the scheme itself is not compared, TLS may end before us. */
function hostOf(origin: string): string {
  const lower = origin.toLowerCase();
  return lower.startsWith('https:')
    ? lower.slice(8).replace(/:443$/, '')
    : lower.slice(7).replace(/:80$/, '');
}

function mapCookie(value: string, map: (path: string) => string): string {
  // A browser accepts a __Host- cookie with no path but "/", RFC 6265bis section 4.1.3.2.
  if (/^__host-/i.test(value)) return value;
  return value.replace(/(;[ \t]*path[ \t]*=[ \t]*)(\/[^; \t]*)/gi, (_, name: string, path: string) => {
    const mapped = map(path);
    // Path=/billing covers /billing itself as well, which Path=/billing/ would not.
    return name + (path === '/' ? mapped.replace(/(.)\/$/, '$1') : mapped);
  });
}
