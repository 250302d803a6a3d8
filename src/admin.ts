import { STATUS_CODES } from 'node:http';
import {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  fastify,
} from 'fastify';
import type { Access } from './admin-access.ts';
import { AdminConnections, type AdminLimits } from './admin-connections.ts';
import { prefersPage } from './answer.ts';
import type { Blocks } from './blocks.ts';
import type { ExplainInput, Explanation } from './explain/explain.ts';
import type { Metrics } from './observe/metrics.ts';
import { createPage, sendUnauthorizedPage } from './page/routes.ts';
import type { Status } from './status.ts';

/** Whether the sidecar should get traffic, and why not. */
export interface Readiness {
  readonly ready: boolean;
  readonly reasons: readonly { readonly code: string; readonly detail: string; readonly issuer?: string }[];
}

export interface AdminOptions {
  /** Who may do what at this moment. */
  access(): Access;
  readonly metrics: Pick<Metrics, 'text' | 'contentType'>;
  readonly blocks: Blocks;
  readonly limits?: AdminLimits;
  readiness(): Readiness;
  status(): Promise<Status>;
  explain(input: ExplainInput): Promise<Explanation>;
}

/** Of api/explain, in bytes: more than any token that is looked at. */
const largestQuestion = 128 * 1024;
const maxHeaderSize = 16 * 1024;
/** Milliseconds, below the five seconds after which an open status page asks again: neither may close on the other. */
const keepAliveTimeout = 3000;
/** Blocks in one answer. */
const page = { default: 100, most: 1000 };

/**
 * The admin port. Open: livez, readyz, metrics. Protected: the status page, api/status, api/explain. For the token
 * alone: api/blocks. A body is read on POST of a path that is known, once access is decided, and never otherwise. Not
 * listening yet.
 */
export function createAdmin(options: AdminOptions): FastifyInstance {
  const connections = new AdminConnections(options.limits);
  const app = fastify({
    logger: false,
    forceCloseConnections: true,
    keepAliveTimeout,
    http: { maxHeaderSize },
    clientErrorHandler(error, socket) {
      if (error.code === 'ECONNRESET') socket.destroy();
      else connections.refuse(socket, error.code === 'HPE_HEADER_OVERFLOW' ? 431 : 400);
    },
    frameworkErrors(_error, request, reply) {
      if (connections.enter(request.raw, reply.raw, false) === 'dropped') return void reply.hijack();
      finish(request, reply);
      problem(reply, 400, 'Bad Request');
    },
  }) as unknown as FastifyInstance;
  connections.watch(app.server);

  for (const method of app.supportedMethods) {
    if (method !== 'POST') app.addHttpMethod(method, { hasBody: false, overrideExisting: true });
  }
  app.setErrorHandler(({ statusCode = 500 }: FastifyError, _request, reply) =>
    problem(reply, statusCode, STATUS_CODES[statusCode] ?? 'Internal error'),
  );
  app.addHook('onRequest', (request, reply, done) => {
    const readsBody = request.method === 'POST' && !request.is404;
    const entered = connections.enter(request.raw, reply.raw, readsBody);
    if (entered === 'dropped') reply.hijack();
    else if (entered === 'too many headers') problem(reply, 431, 'Request Header Fields Too Large');
    // Here, and not in Fastify's handler for it, which would first read the body.
    else if (request.is404) problem(reply, 404, 'Not found');
    else done();
  });
  app.addHook('preParsing', (request, reply, _payload, done) => {
    if (request.method === 'POST' && request.headers.expect !== undefined) reply.raw.writeContinue();
    done();
  });
  app.addHook('onSend', (request, reply, payload, done) => {
    finish(request, reply);
    done(null, payload);
  });

  function finish(request: FastifyRequest, reply: FastifyReply): void {
    reply.header('cache-control', 'no-store').header('x-content-type-options', 'nosniff');
    if (connections.endsWith(request.raw)) reply.header('connection', 'close');
  }

  app.get('/livez', () => ({ status: 'live' }));
  app.get('/readyz', (_request, reply) => {
    const { ready, reasons } = options.readiness();
    reply.code(ready ? 200 : 503);
    return ready ? { status: 'ready' } : { status: 'not ready', reasons };
  });
  const readMetrics = shareMetrics(options.metrics);
  app.get('/metrics', async (_request, reply) => {
    reply.header('content-type', options.metrics.contentType);
    return readMetrics();
  });
  app.register(async (guarded) => addProtected(guarded, options));
  app.register(async (own) => addBlocks(own, options));
  return app;
}

/** Those who ask at the same time get the same bytes, which are then in memory once. */
function shareMetrics({ text }: AdminOptions['metrics']): () => Promise<Buffer> {
  let underway: Promise<Buffer> | null = null;
  return () => {
    underway ??= text()
      .then((all) => Buffer.from(all))
      .finally(() => {
        underway = null;
      });
    return underway;
  };
}

/** What the token opens, and a peer on this machine. */
function addProtected(app: FastifyInstance, options: AdminOptions): void {
  app.addHook('onRequest', (request, reply, done) => {
    if (options.access().of(request.raw) !== 'none') return done();
    const asPage = !request.url.startsWith('/api/') && prefersPage(request.headers.accept);
    if (!asPage) return unauthorized(reply);
    reply.header('www-authenticate', challenge);
    sendUnauthorizedPage(reply);
  });
  app.register(createPage({ ...options, largestForm: largestQuestion }));
  app.get('/api/status', async () => {
    // The charts' points; by the minute it says the same.
    const { history, ...status } = await options.status();
    const { steps: _, ...recent } = history;
    return { ...status, history: recent };
  });
  // A page can send a form or plain text to any port; JSON it cannot.
  app.removeContentTypeParser('text/plain');
  app.post('/api/explain', { bodyLimit: largestQuestion }, async (request, reply) => {
    const input = readQuestion(request.body);
    if (input !== null) return options.explain(input);
    problem(reply, 400, 'The body must be JSON: { "token": string, "method"?: string, "path"?: string }');
    return reply;
  });
}

/** What the token alone opens, from this machine too: any program on it could otherwise release itself. */
function addBlocks(app: FastifyInstance, { access, blocks }: AdminOptions): void {
  app.addHook('onRequest', (request, reply, done) => {
    const { of, hasToken } = access();
    const grant = of(request.raw);
    if (grant === 'token') return done();
    if (grant === 'none' || hasToken) return unauthorized(reply);
    problem(reply, 403, 'This needs the token of admin.tokenFile, which is not set');
  });
  app.get('/api/blocks', (request, reply) => {
    const query = request.query as Record<string, unknown>;
    const limit = readCount(query.limit ?? String(page.default));
    const offset = readCount(query.offset ?? '0');
    if (limit === null || offset === null || limit < 1 || limit > page.most) {
      return problem(reply, 400, `limit must be 1 to ${page.most}, and offset a whole number`);
    }
    return blocks.list({ limit, offset });
  });
  // Not a parameter: a network in CIDR notation holds a slash, which a client may leave as it is.
  app.delete('/api/blocks/*', (request, reply) => {
    const { '*': network } = request.params as { '*': string };
    if (blocks.release(network) === null) return problem(reply, 404, 'Not found');
    return reply.code(204).send();
  });
}

function readCount(text: unknown): number | null {
  return typeof text === 'string' && /^\d{1,7}$/.test(text) ? Number(text) : null;
}

/** Null: it is not what it must be. */
function readQuestion(body: unknown): ExplainInput | null {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return null;
  const { token, method = 'GET', path = '/', ...others } = body as Record<string, unknown>;
  if (typeof token !== 'string' || typeof method !== 'string' || typeof path !== 'string') return null;
  return Object.keys(others).length === 0 ? { token, method, path } : null;
}

const challenge = 'Bearer realm="admin"';

function unauthorized(reply: FastifyReply): void {
  reply.header('www-authenticate', challenge);
  problem(reply, 401, 'Unauthorized');
}

function problem(reply: FastifyReply, status: number, title: string): FastifyReply {
  reply.code(status).header('content-type', 'application/problem+json');
  return reply.send(JSON.stringify({ type: 'about:blank', title, status }));
}
