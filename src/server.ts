import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { createAdmin, type Readiness } from './admin.ts';
import { createBlocks } from './blocks.ts';
import { type Clock, systemClock } from './clock.ts';
import { closeTraffic } from './close-traffic.ts';
import type { Loaded } from './config/complete.ts';
import { describeFaults } from './config/fault.ts';
import { needsRestart } from './config/restart.ts';
import type { Config } from './config/schema.ts';
import { type ExplainInput, type Explanation, explain } from './explain/explain.ts';
import { createTraffic } from './gateway.ts';
import { GatewayError } from './gateway-error.ts';
import { compileInForce, compileNext } from './in-force.ts';
import type { ForwardProxy } from './keys/proxy.ts';
import { createHistory } from './observe/history.ts';
import { createLevel } from './observe/level.ts';
import { createLogger, type Logger } from './observe/logger.ts';
import { createMetrics, type Metrics } from './observe/metrics.ts';
import { createReported } from './observe/reported.ts';
import { OpenConnections } from './open-connections.ts';
import type { Policy } from './policy.ts';
import { listen, portOf, takeCertificates } from './ports.ts';
import { WebSockets } from './proxy/websockets.ts';
import { connectReadings } from './readings.ts';
import { type Phase, type Reloads, readReadiness, readStatus, type Status } from './status.ts';
import { readVersion } from './version.ts';

export interface ServerOptions {
  readonly logger?: Logger;
  readonly clock?: Clock;
  /** Where the config came from, for the status. */
  readonly source?: string;
  /** For the fetches of keys. Default: none. */
  readonly proxy?: ForwardProxy | null;
}

/** What a sidecar listens on. */
export interface Ports {
  readonly port: number;
  readonly adminPort: number;
}

/** How a drain ended. */
export interface Drained {
  /** How many requests had to be cut. */
  readonly cut: number;
}

/** Both ports of one sidecar. */
export interface Server {
  /** Listens on both ports and fetches keys. Settles once every issuer has been tried; an issuer that is down does not reject. */
  start(): Promise<Ports>;
  /** Null while it does not listen on both. */
  ports(): Ports | null;
  readiness(): Readiness;
  /** What the status page shows. */
  status(): Promise<Status>;
  /** What the config in force makes of a request, and why; nothing is fetched, kept or counted. */
  explain(input: ExplainInput): Promise<Explanation>;
  readonly metrics: Metrics;
  /** Turns the log's debug lines on, or back to the configured level; the log says so. */
  toggleDebug(): void;
  /**
   * Puts another config in force, whole or not at all: requests under way end under the one they began with. Reloads
   * asked for at the same time follow one another.
   *
   * @param load - gives the config; what it throws, or rejects with, leaves all as it was
   * @returns the settings that wait for a restart
   * @throws whatever made the config unusable, once it is said in log, metrics and status
   */
  reload(load: () => Loaded | Promise<Loaded>): Promise<{ readonly needsRestart: readonly string[] }>;
  /**
   * Ends without losing a request: not ready at once, served as ever for `drain.delay`, then no new connections,
   * and what is still open at `drain.timeout` is cut.
   */
  drain(): Promise<Drained>;
  /** Ends at once, a drain under way as well. */
  close(): Promise<void>;
}

/** Composes a sidecar from a complete config. Throws where a file that the config names cannot be read. */
export function createServer(config: Config, options: ServerOptions = {}): Server {
  const clock = options.clock ?? systemClock;
  const logger = options.logger ?? createLogger({ level: config.log.level });
  const level = createLevel(logger);
  const version = readVersion();
  const metrics = createMetrics({ version });
  const onWithdrawn = () => current.policy.verifier.dropWithdrawn();
  const parts = {
    clock,
    logger,
    metrics,
    onWithdrawn,
    proxy: options.proxy ?? null,
    subjectKey: randomBytes(32),
  };
  const startedAt = clock.now();
  let phase: Phase = 'serving';
  let ports: Ports | null = null;
  /** Aborted by `close`, for a drain that it overtakes. */
  const ended = new AbortController();
  /** Requests that `close` found under way. */
  let cutByClose = 0;
  let current = compileInForce({ config, source: options.source ?? 'object' }, parts);
  let reloads: Reloads = { last: null, needsRestart: [], wasReady: false, modeSince: startedAt };
  /** The opening of the ports, then each reload: one at a time. */
  let turn: Promise<unknown> = Promise.resolve();
  let opening: Promise<unknown> = Promise.resolve();
  /** Upstreams that only requests under an earlier config still use. */
  const leaving = new Set<Policy['upstreams']>();

  const webSockets = new WebSockets();
  const connections = new OpenConnections();
  const reported = createReported(clock);
  const history = createHistory(metrics, clock);
  const traffic = createTraffic({
    config,
    webSockets,
    connections,
    policy: () => current.policy,
    clock,
    metrics,
    logger,
    reported,
    draining: () => phase === 'draining',
  });
  const admin = createAdmin({
    metrics,
    blocks: createBlocks({ clock, logger, failures: () => current.policy.failures }),
    access: () => current.access,
    readiness,
    status,
    explain: explainNow,
  });
  connectReadings(metrics, () => current.policy, webSockets);
  metrics.lastReload.set(startedAt / 1000);

  function readiness(): Readiness {
    return readReadiness({ ...current, ...reloads, phase });
  }

  async function status(): Promise<Status> {
    const recent = await history.read();
    const about = { version, phase, startedAt, now: clock.now(), openWebSockets: webSockets.open };
    return readStatus({ ...current, ...about, level, reloads, reported, history: recent });
  }

  function explainNow(input: ExplainInput): Promise<Explanation> {
    return explain(input, { policy: current.policy, clock });
  }

  async function openPorts() {
    await listen(traffic, config.listen);
    await listen(admin, config.admin);
  }

  async function startUp() {
    history.start();
    opening = openPorts();
    await opening;
    const opened = { port: portOf(traffic), adminPort: portOf(admin) };
    ports = opened;
    logger.info({ msg: 'listening', version, ...opened });
    await current.keySets.start();
    logger.info({ msg: 'started', ...readiness() });
    return opened;
  }

  function assertServing(): void {
    if (phase !== 'serving') throw new GatewayError('not_serving', 'This sidecar is shutting down.');
  }

  async function takeOver(load: () => Loaded | Promise<Loaded>): Promise<readonly string[]> {
    assertServing();
    const before = current;
    const next = await compileNext(await load(), before, parts);
    try {
      assertServing();
    } catch (error) {
      next.keySets.close(before.keySets);
      throw error;
    }
    const wasReady = reloads.wasReady || readReadiness({ ...before, ...reloads, phase: 'serving' }).ready;
    current = next;
    before.keySets.close(next.keySets);
    leaving.add(before.policy.upstreams);
    before.policy.upstreams.close(next.policy.upstreams).then(() => leaving.delete(before.policy.upstreams));
    takeCertificates(traffic, config, next);
    level.configure(next.config.log.level);
    metrics.lastReload.set(next.loadedAt / 1000);
    const modeSince = next.config.mode === before.config.mode ? reloads.modeSince : next.loadedAt;
    reloads = { ...reloads, wasReady, modeSince, needsRestart: needsRestart(config, next.config) };
    return reloads.needsRestart;
  }

  async function reload(load: () => Loaded | Promise<Loaded>) {
    const began = clock.now();
    const note = (result: 'success' | 'failure', faults: readonly string[]) => {
      metrics.reloads.inc({ result });
      reloads = { ...reloads, last: { at: new Date(began).toISOString(), result, faults } };
    };
    try {
      const waiting = await takeOver(load);
      note('success', []);
      logger.info({
        msg: 'config reloaded',
        source: current.source,
        durationMs: Math.round(clock.now() - began),
      });
      if (waiting.length > 0) logger.warn({ msg: 'restart needed', settings: waiting });
      return { needsRestart: waiting };
    } catch (error) {
      const faults = describeFaults(error);
      note('failure', faults);
      logger.error({ msg: 'config not reloaded', faults });
      throw error;
    }
  }

  async function closeRest(): Promise<void> {
    phase = 'closed';
    ports = null;
    history.close();
    current.keySets.close();
    for (const upstreams of leaving) upstreams.destroy();
    await Promise.all([admin.close(), current.policy.upstreams.close()]);
  }

  return {
    readiness,
    status,
    explain: explainNow,
    metrics,
    ports: () => ports,
    toggleDebug: () => level.toggleDebug(),
    start() {
      const started = startUp();
      // An issuer that hangs at the start holds no reload.
      turn = opening.catch(() => {});
      return started;
    },
    reload(load) {
      const done = turn.then(() => reload(load));
      turn = done.catch(() => {});
      return done;
    },
    async drain() {
      phase = 'leaving';
      const { delay, timeout } = current.config.drain;
      logger.info({ msg: 'draining', delayMs: delay, timeoutMs: timeout });
      // A port that is still being opened would stay open.
      await Promise.allSettled([wait(delay, undefined, { signal: ended.signal }), opening]);
      if (ended.signal.aborted) return { cut: cutByClose };
      phase = 'draining';
      logger.info({ msg: 'closing', timeoutMs: timeout - delay });
      webSockets.close();
      const late = await closeTraffic(traffic, { connections, webSockets }, timeout - delay);
      const cut = late + cutByClose;
      await closeRest();
      logger.info({ msg: 'drained', cut });
      return { cut };
    },
    async close() {
      phase = 'closed';
      cutByClose = connections.requests;
      ended.abort();
      // As with a drain.
      await opening.catch(() => {});
      const closed = traffic.close();
      webSockets.destroy();
      connections.destroy();
      current.policy.upstreams.destroy();
      await closed;
      await closeRest();
    },
  };
}
