/** What a request says about where it comes from. */
export interface OriginEvidence {
  /** In capitals, as registered. */
  readonly method: string;
  /** Whether the request asks for another protocol, a WebSocket say. */
  readonly upgrade: boolean;
  /** The `Sec-Fetch-Site` header. */
  readonly secFetchSite: string | undefined;
  /** The `Origin` header. */
  readonly origin: string | undefined;
  /** `scheme://host[:port]` under which the client reached us. */
  readonly ownOrigin: string;
}

const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Compiles the check against cross-site request forgery, for tokens that a browser sends by itself. True for a
 * request that is safe (RFC 9110 section 9.2.1) and no upgrade, or that a browser says to come from an allowed
 * or the own origin: by `Sec-Fetch-Site`, and where a browser sends none, by `Origin`. A WebSocket is not bound
 * by the same-origin policy, so an upgrade needs the evidence too.
 */
export function compileSameOrigin(allowedOrigins: readonly string[]): (request: OriginEvidence) => boolean {
  const allowed: ReadonlySet<string | undefined> = new Set(allowedOrigins.map(normalize).filter(isOrigin));
  return ({ method, upgrade, secFetchSite, origin, ownOrigin }) => {
    if (!upgrade && safeMethods.has(method)) return true;
    const from = normalize(origin ?? '');
    if (allowed.has(from)) return true;
    if (secFetchSite !== undefined) return secFetchSite === 'same-origin' || secFetchSite === 'none';
    return isOrigin(from) && from === normalize(ownOrigin);
  };
}

function isOrigin(origin: string | undefined): origin is string {
  return origin !== undefined;
}

/**
 * An origin in one spelling: lower case, without the scheme's own port. Undefined for what is no origin: `null`,
 * several in a list, anything with a path.
 */
function normalize(origin: string): string | undefined {
  const found = /^(https?):\/\/([^\s/?#@\\,:[\]]+|\[[\da-f:.]+\])(?::(\d{1,5}))?$/.exec(origin.toLowerCase());
  if (found === null) return undefined;
  const [, scheme, host, port] = found;
  const isDefault = port === undefined || port === (scheme === 'https' ? '443' : '80');
  return `${scheme}://${host}${isDefault ? '' : `:${port}`}`;
}
