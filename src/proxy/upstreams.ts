import { createHash } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { Condition } from './condition.ts';
import { compileConnector, type Dial, readTlsFiles, type UpstreamTls } from './connector.ts';
import { isHopByHop } from './hop-by-hop.ts';
import { ConnectionPool } from './pool.ts';

/** One service that requests are forwarded to. Durations in milliseconds. */
export interface UpstreamOptions {
  /** http or https, without credentials, query or fragment. A path in it goes before every request's path. */
  readonly url: string;
  /** Most connections at a time. */
  readonly connections: number;
  /** Most connections of one client at a time; null: as many as there are. */
  readonly connectionsPerClient: number | null;
  /** Until a connection is open, TLS included; 0: no limit. */
  readonly connectTimeout: number;
  /** From the whole request sent until the head of the answer; 0: no limit. Also how long one may wait for a connection. */
  readonly headersTimeout: number;
  /** Between two chunks of the answer, and how long a client may read nothing of it; 0: no limit. */
  readonly bodyTimeout: number;
  /** How long an idle connection is kept, whatever the upstream's `Keep-Alive` says; 0: connections are not used again. */
  readonly keepAliveTimeout: number;
  readonly preserveHost: boolean;
  readonly setHeaders: Readonly<Record<string, string>>;
  readonly tls: UpstreamTls;
}

export interface Upstream {
  readonly name: string;
  /** `scheme://host[:port]`. */
  readonly origin: string;
  /** Goes before every path; never ends in a slash. */
  readonly basePath: string;
  /** What `Host` says where the client's own is not preserved. */
  readonly host: string;
  readonly preserveHost: boolean;
  /** Flat: name, value, name, value. */
  readonly setHeaders: readonly string[];
  readonly bodyTimeout: number;
  /** Constant for an upstream, so that a client's Host never chooses the name asked for in TLS. */
  readonly serverName: string;
  readonly pool: ConnectionPool;
  /** What requests have met there so far. */
  readonly condition: Condition;
  /** Opens one connection outside the pool, verified like those in it. */
  readonly dial: Dial;
  /** Equal for two that are made of the same options and the same files. */
  readonly digest: string;
}

export interface Upstreams {
  /** Throws for a name that is not configured. */
  get(name: string): Upstream;
  readonly all: readonly Upstream[];
  /**
   * Keeps no idle connection any more, save of those that `others` use as well; resolves when the last transfer has
   * ended. What still comes is served.
   */
  close(others?: Upstreams): Promise<void>;
  /** Ends every connection at once, save of those that `others` use as well. */
  destroy(others?: Upstreams): void;
}

/**
 * Compiles the upstreams. Those of `previous` that are made of the same go on with their connections.
 * Throws an Error that names the upstream when a URL, file or header is unusable.
 */
export function createUpstreams(
  options: Readonly<Record<string, UpstreamOptions>>,
  previous?: Upstreams,
  clock?: Clock,
): Upstreams {
  const byName = new Map(
    Object.entries(options).map(([name, each]) => [name, createUpstream(name, each, previous, clock)]),
  );
  const all = [...byName.values()];
  const without = (others?: Upstreams) => all.filter((each) => others?.all.includes(each) !== true);
  return {
    all,
    get(name) {
      const upstream = byName.get(name);
      if (upstream === undefined) throw new Error(`no upstream is called "${name}"`);
      return upstream;
    },
    async close(others) {
      await Promise.all(without(others).map((upstream) => upstream.pool.close()));
    },
    destroy(others) {
      for (const upstream of without(others)) upstream.pool.destroy();
    },
  };
}

function createUpstream(
  name: string,
  options: UpstreamOptions,
  previous?: Upstreams,
  clock?: Clock,
): Upstream {
  try {
    const url = readUrl(options.url);
    const files = readTlsFiles(options.tls);
    const digest = createHash('sha256')
      .update(JSON.stringify([name, options, files]))
      .digest('base64');
    const same = previous?.all.find((each) => each.digest === digest);
    if (same !== undefined) return same;
    const { connectTimeout, tls } = options;
    const { connector, serverName, dial } = compileConnector(url, {
      connectTimeout,
      serverName: tls.serverName,
      files,
    });
    return {
      name,
      digest,
      origin: url.origin,
      basePath: url.pathname.replace(/\/+$/, ''),
      host: url.host,
      preserveHost: options.preserveHost,
      setHeaders: readHeaders(options.setHeaders),
      bodyTimeout: options.bodyTimeout,
      serverName,
      pool: new ConnectionPool(url.origin, options, connector, clock),
      condition: new Condition(),
      dial,
    };
  } catch (error) {
    throw new Error(`upstream "${name}": ${(error as Error).message}`, { cause: error });
  }
}

function readUrl(text: string): URL {
  if (!URL.canParse(text)) throw new Error('url is not a URL');
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new Error('url must be http or https');
  if (url.username || url.password) throw new Error('url must hold no credentials');
  if (url.search || url.hash) throw new Error('url must have no query or fragment');
  return url;
}

/** Values stay out of the messages: they are secrets. */
function readHeaders(headers: Readonly<Record<string, string>>): readonly string[] {
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase();
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) throw new Error(`setHeaders: "${name}" is not a header name`);
    if (isHopByHop(lower) || lower === 'host' || lower === 'content-length') {
      throw new Error(`setHeaders: ${name} is not for a config to set`);
    }
    if (/[^\t\x20-\x7e\x80-\xff]/.test(value))
      throw new Error(`setHeaders: the value of ${name} is not legal`);
  }
  return Object.freeze(Object.entries(headers).flat());
}
