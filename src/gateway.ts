import { type IncomingMessage, METHODS, type RequestListener } from 'node:http';
import httpProxy from '@fastify/http-proxy';
import { type FastifyInstance, fastify } from 'fastify';
import type { Clock } from './clock.ts';
import type { Config } from './config/schema.ts';
import { mostHeaders } from './config/schema-listen.ts';
import { compileClientError, guardConnections, refuseUnknown } from './connections.ts';
import { type Exchange, exchangeOf } from './exchange.ts';
import { compileAccount, compileAccountRaw } from './hooks/account.ts';
import { compileAuthenticate } from './hooks/authenticate.ts';
import { authorizeToken } from './hooks/authorize.ts';
import { compileExplainRefused } from './hooks/explain-refused.ts';
import { compileForward } from './hooks/forward.ts';
import { receive, routedUrl } from './hooks/receive.ts';
import { Incoming, losesTheNext, receiveUpgrades } from './hooks/receive-upgrades.ts';
import { refuse } from './hooks/refuse.ts';
import { compileReport } from './hooks/report.ts';
import { route } from './hooks/route.ts';
import { compileUpgrade } from './hooks/websocket.ts';
import type { Logger } from './observe/logger.ts';
import type { Metrics } from './observe/metrics.ts';
import type { Reported } from './observe/reported.ts';
import type { OpenConnections } from './open-connections.ts';
import type { Policy } from './policy.ts';
import { untilLast } from './proxy/last-request.ts';
import type { WebSockets } from './proxy/websockets.ts';
import { dropUnverified, readTls } from './tls.ts';

export interface TrafficOptions {
  readonly config: Config;
  /** The policy in force: that of every request which begins now. */
  policy(): Policy;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly webSockets: WebSockets;
  readonly connections: OpenConnections;
  /** Learns what report mode let pass. */
  readonly reported: Reported;
  /** True once connections that are still open are told to go away. */
  draining(): boolean;
}

const methods = METHODS.filter((method) => method !== 'CONNECT');

/**
 * The traffic port: the way of a request, from its head to its log line. Not listening yet.
 */
export function createTraffic(options: TrafficOptions): FastifyInstance {
  const { config, clock, metrics, logger, connections } = options;
  const { listen } = config;
  const explain = compileExplainRefused(clock, logger);
  const account = compileAccount(clock, metrics, logger, compileReport(options.reported), explain);
  const accountRaw = compileAccountRaw(metrics, logger, options.policy);

  const app = fastify({
    ...(listen.tls === null ? {} : { https: httpsOptions(config, listen.tls) }),
    http: serverOptions(config),
    // Fastify sets these two on the server itself, over whatever it was made with.
    requestTimeout: listen.requestTimeout,
    keepAliveTimeout: listen.keepAliveTimeout,
    logger: false,
    exposeHeadRoutes: false,
    return503OnClosing: false,
    // Answers of the gateway's own must look alike whoever finds the fault.
    clientErrorHandler: compileClientError(accountRaw),
    frameworkErrors: (_error, request, reply) => refuse(request, reply, { refused: 'internal_error' }),
    // The first stage runs before Fastify routes, so that what is routed is the canonical path and nothing else.
    rewriteUrl: (request) => routedUrl(receive(request, options.policy(), clock)),
  }) as unknown as FastifyInstance;

  // Fastify must never read a body: every one is streamed by the forwarder, whatever the method.
  for (const method of methods) app.addHttpMethod(method, { hasBody: false, overrideExisting: true });
  app.setErrorHandler((_error, request, reply) => refuse(request, reply, { refused: 'internal_error' }));
  app.setNotFoundHandler((request, reply) => refuse(request, reply, { refused: 'internal_error' }));

  // One more than the largest limit: a request that has it is refused, whatever else came.
  app.server.maxHeadersCount = mostHeaders + 1;
  const [handle] = app.server.listeners('request') as [RequestListener];
  app.server.off('request', handle).on('request', untilLast(refuseUnknown(handle, accountRaw), losesTheNext));
  const waitingOf = receiveUpgrades(app, options.webSockets, config.websockets.enabled);
  const upgrade = compileUpgrade(options);
  const upgradeOf = (request: IncomingMessage, exchange: Exchange) => {
    const waiting = waitingOf(request);
    return waiting === undefined ? null : upgrade(request, exchange, waiting);
  };

  connections.watch(app.server);
  app.addHook('onRequest', (request, reply, done) => {
    const exchange = exchangeOf(request.raw);
    const hasRoom = connections.enter(request.raw);
    reply.raw.on('close', () => {
      connections.leave(request.raw);
      if (!exchange.forwarding) account(exchange, request.raw, reply.raw);
    });
    if (options.draining()) refuse(request, reply, { refused: 'draining' });
    else if (!hasRoom) refuse(request, reply, { refused: 'overloaded' });
    else done();
  });
  app.addHook('onRequest', route);
  app.addHook('onRequest', compileAuthenticate(clock, metrics));
  app.addHook('onRequest', authorizeToken);
  app.register(httpProxy, {
    upstream: 'http://upstream.invalid',
    // The forwarder does the transfer; http-proxy makes no pool and reads no path of a stranger's.
    undici: { request() {} } as never,
    preRewrite: () => '/',
    httpMethods: methods,
    // Before http-proxy's own handler, which would parse three URLs for each request to find it safe to send nowhere.
    preHandler: compileForward({
      clock,
      account,
      closing: (request) => options.draining() && connections.isLast(request),
      upgradeOf,
    }),
  });

  if (listen.tls?.clientCertificates === 'optional') app.server.on('secureConnection', dropUnverified);
  guardConnections(app.server, listen, accountRaw);
  return app;
}

function serverOptions({ listen }: Config) {
  return {
    // A missing Host is refused in our own words.
    requireHostHeader: false,
    IncomingMessage: Incoming,
    maxHeaderSize: listen.maxHeaderSize,
    headersTimeout: listen.headersTimeout,
    connectionsCheckingInterval: Math.max(100, Math.min(listen.headersTimeout, listen.requestTimeout) / 4),
  };
}

function httpsOptions(config: Config, tls: NonNullable<Config['listen']['tls']>) {
  // Node's own two minutes would let a client that says nothing keep its connection.
  return { ...readTls(tls), ...serverOptions(config), handshakeTimeout: config.listen.headersTimeout };
}
