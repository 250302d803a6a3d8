import type { Readiness } from './admin.ts';
import { completeConfig } from './config/complete.ts';
import { ConfigError, type Fault } from './config/fault.ts';
import { checkProxyVariables } from './config/proxy.ts';
import type { ConfigInput } from './config/schema.ts';
import type { ExplainInput, Explanation } from './explain/explain.ts';
import { GatewayError } from './gateway-error.ts';
import { createLogger } from './observe/logger.ts';
import { createServer, type Drained, type Ports } from './server.ts';
import type { Status } from './status.ts';

export interface GatewayOptions {
  /** Where log lines go; `log` in the config says which. Default: nowhere, since a library does not print. */
  readonly log?: LogDestination;
  /**
   * Through which keys are fetched. Default: none. A library reads no environment: `HTTPS_PROXY` and `NO_PROXY` count
   * only if they are passed on here.
   */
  readonly proxy?: {
    /** http or https URL, with credentials where it wants some. */
    readonly httpsProxy: string;
    /** Who is reached without it: names, `.suffixes` and `name:port`, separated by commas or spaces. Default: nobody. */
    readonly noProxy?: string;
  };
}

/** Anything that can be written to, such as `process.stdout` or a stream to a file. */
export interface LogDestination {
  /** Takes one event: a line of JSON with the line break at its end. If it throws, the line is lost and nothing else. */
  write(line: string): unknown;
}

/** What became of a reload that succeeded. */
export interface Reloaded {
  /** Paths of settings that differ from those in force and wait for a new gateway, such as `listen.port`. */
  readonly needsRestart: readonly string[];
  /** What lets more pass than it seems to, or contradicts itself. */
  readonly warnings: readonly Fault[];
}

/** Both ports of one gateway. It is started once and closed once. */
export interface Gateway {
  /** What in the first config lets more pass than it seems to, or contradicts itself. `check` prints the same. */
  readonly warnings: readonly Fault[];
  /** Advice on the first config. `check` prints the same. */
  readonly notes: readonly Fault[];
  /**
   * Listens on both ports, then fetches the keys of every issuer. Settles once each has been tried: one that is down
   * does not reject, `readiness()` tells. Whatever rejects it, nothing is left open.
   *
   * @throws {GatewayError} `already_started`, or `not_serving` if it was closed before or meanwhile
   * @throws {Error} with Node's own `code`, such as `EADDRINUSE`, where a port cannot be had
   */
  start(): Promise<Ports>;
  /** What it listens on; null while it does not. */
  ports(): Ports | null;
  /** Whether it should get traffic, and why not: what `/readyz` on the admin port answers. */
  readiness(): Readiness;
  /** What `/api/status` on the admin port answers. */
  status(): Promise<Status>;
  /** What the config in force makes of a request, and why: every check, in order. Nothing is fetched, kept or counted. */
  explain(input: ExplainInput): Promise<Explanation>;
  /** What `/metrics` on the admin port answers, in a registry of this gateway's own. */
  readonly metrics: {
    readonly contentType: string;
    /** In the text format of Prometheus. */
    text(): Promise<string>;
  };
  /**
   * Puts another config in force, whole or not at all: requests under way end under the one they began with. Reloads
   * asked for at the same time follow one another.
   *
   * @throws {ConfigError} with every fault of the config
   * @throws {GatewayError} `keys_unavailable`, or `not_serving`
   */
  reload(input: ConfigInput): Promise<Reloaded>;
  /**
   * Ends without losing a request: not ready at once, served as ever for `drain.delay`, then no new connections, and
   * what is still open `drain.timeout` after the call is cut.
   */
  drain(): Promise<Drained>;
  /** Ends at once, a drain under way as well. It may be called at any time, and again. */
  close(): Promise<void>;
}

/**
 * Makes a gateway from a config object of the same form as the config file: the traffic port and the admin port, not
 * listening until `start()`. It listens to no signal, ends no process, prints nothing and reads no environment.
 * Relative paths in the config are relative to the working directory; files are read now and at every reload.
 *
 * @throws {ConfigError} with every fault of the config, each with its path
 */
export function createGateway(input: ConfigInput, options: GatewayOptions = {}): Gateway {
  const proxy = readProxy(options.proxy);
  const { config, warnings, notes } = completeConfig(input);
  const logger = createLogger({ level: config.log.level, destination: guard(options.log) });
  const server = createServer(config, { logger, proxy });
  let phase: 'new' | 'started' | 'ended' = 'new';
  let ending: { drain: Promise<Drained> | null; close: Promise<void> | null } = { drain: null, close: null };

  function close(): Promise<void> {
    phase = 'ended';
    const closing = ending.close ?? server.close();
    ending = { ...ending, close: closing };
    return closing;
  }

  return {
    warnings,
    notes,
    ports: server.ports,
    readiness: server.readiness,
    status: server.status,
    explain: server.explain,
    metrics: { contentType: server.metrics.contentType, text: server.metrics.text },
    async start() {
      if (phase === 'started') throw new GatewayError('already_started', 'This gateway has been started.');
      if (phase === 'ended') throw closed();
      phase = 'started';
      try {
        const ports = await server.start();
        if (ending.close !== null) throw closed();
        return ports;
      } catch (error) {
        await close();
        throw error;
      }
    },
    async reload(next) {
      if (phase === 'new') throw new GatewayError('not_serving', 'This gateway has not been started.');
      if (phase === 'ended') throw closed();
      let said: readonly Fault[] = [];
      const { needsRestart } = await server.reload(() => {
        const loaded = completeConfig(next);
        said = loaded.warnings;
        return loaded;
      });
      return { needsRestart, warnings: said };
    },
    async drain() {
      if (phase === 'new' || ending.close !== null) {
        await close();
        return ending.drain ?? { cut: 0 };
      }
      phase = 'ended';
      const draining = ending.drain ?? server.drain();
      ending = { ...ending, drain: draining };
      return draining;
    },
    close,
  };
}

function closed(): GatewayError {
  return new GatewayError('not_serving', 'This gateway is closed.');
}

function readProxy(proxy: GatewayOptions['proxy']) {
  if (proxy === undefined) return null;
  const { httpsProxy, noProxy = '' } = proxy;
  // Said without the value: it may hold a password.
  if (checkProxyVariables({ httpsProxy, noProxy }).length > 0)
    throw new ConfigError([{ path: '', message: 'options.proxy.httpsProxy is not an http or https URL' }]);
  return { httpsProxy, noProxy };
}

/** A log that fails must cost lines alone, never a request or the process. */
function guard(log: LogDestination | undefined) {
  return {
    write(line: string): void {
      try {
        log?.write(line);
      } catch {
        // Nobody is left to tell.
      }
    },
  };
}
