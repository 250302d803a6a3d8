import { timingSafeEqual } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import { isIP } from 'node:net';
import {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  fastify,
} from 'fastify';
import { prefersPage } from './answer.ts';
import type { ExplainInput, Explanation } from './explain/explain.ts';
import type { Metrics } from './observe/metrics.ts';
import { createPage, sendUnauthorizedPage } from './page/routes.ts';
import { readRegularFile } from './regular-file.ts';
import type { Status } from './status.ts';

/** Whether the sidecar should get traffic, and why not. */
export interface Readiness {
  readonly ready: boolean;
  readonly reasons: readonly { readonly code: string; readonly detail: string; readonly issuer?: string }[];
}

export interface AdminOptions {
  /** Who may see the protected part at this moment. */
  access(): Access;
  readonly metrics: Metrics;
  readiness(): Readiness;
  status(): Promise<Status>;
  explain(input: ExplainInput): Promise<Explanation>;
}

/** Of api/explain, in bytes: more than any token that is looked at. */
const largestQuestion = 128 * 1024;
/** A shorter one could be guessed, and an empty one would be anybody's. */
const leastTokenBytes = 32;
const loopback = /^(?:::ffff:)?127\.\d+\.\d+\.\d+$|^::1$/;

/** Whether a request may see the protected part. */
export type Access = (request: FastifyRequest) => boolean;

/** The admin port. Open: livez, readyz, metrics. Protected: the status page, api/status, api/explain. Not listening yet. */
export function createAdmin(options: AdminOptions): FastifyInstance {
  const app = fastify({ logger: false, forceCloseConnections: true });

  app.setErrorHandler(({ statusCode = 500 }: FastifyError, _request, reply) =>
    problem(reply, statusCode, STATUS_CODES[statusCode] ?? 'Internal error'),
  );
  app.setNotFoundHandler((_request, reply) => problem(reply, 404, 'Not found'));
  app.addHook('onSend', (_request, reply, payload, done) => {
    reply.header('cache-control', 'no-store').header('x-content-type-options', 'nosniff');
    done(null, payload);
  });

  app.get('/livez', () => ({ status: 'live' }));
  app.get('/readyz', (_request, reply) => {
    const { ready, reasons } = options.readiness();
    reply.code(ready ? 200 : 503);
    return ready ? { status: 'ready' } : { status: 'not ready', reasons };
  });
  app.get('/metrics', async (_request, reply) => {
    reply.header('content-type', options.metrics.contentType);
    return options.metrics.text();
  });

  app.register(async (guarded) => {
    guarded.addHook('onRequest', (request, reply, done) => {
      if (options.access()(request)) return done();
      reply.header('www-authenticate', 'Bearer realm="admin"');
      const asPage = !request.url.startsWith('/api/') && prefersPage(request.headers.accept);
      if (asPage) sendUnauthorizedPage(reply);
      else problem(reply, 401, 'Unauthorized');
    });
    guarded.register(createPage({ ...options, largestForm: largestQuestion }));
    guarded.get('/api/status', async () => {
      // The charts' points; by the minute it says the same.
      const { history, ...status } = await options.status();
      const { steps: _, ...recent } = history;
      return { ...status, history: recent };
    });
    // A page can send a form or plain text to any port; JSON it cannot.
    guarded.removeContentTypeParser('text/plain');
    guarded.post('/api/explain', { bodyLimit: largestQuestion }, async (request, reply) => {
      const input = readQuestion(request.body);
      if (input !== null) return options.explain(input);
      problem(reply, 400, 'The body must be JSON: { "token": string, "method"?: string, "path"?: string }');
      return reply;
    });
  });
  return app;
}

/** Null: it is not what it must be. */
function readQuestion(body: unknown): ExplainInput | null {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return null;
  const { token, method = 'GET', path = '/', ...others } = body as Record<string, unknown>;
  if (typeof token !== 'string' || typeof method !== 'string' || typeof path !== 'string') return null;
  return Object.keys(others).length === 0 ? { token, method, path } : null;
}

function problem(reply: FastifyReply, status: number, title: string): void {
  reply.code(status).header('content-type', 'application/problem+json');
  reply.send(JSON.stringify({ type: 'about:blank', title, status }));
}

/**
 * Who may see the protected part: whoever knows the content of the token file, or a loopback peer that also calls
 * the port by a loopback name (else a web page could reach it through a name that it controls).
 *
 * @param tokenFile - null: loopback peers alone
 * @throws Error when the file cannot be read or holds less than 32 bytes
 */
export function compileAccess(tokenFile: string | null): Access {
  const expected =
    tokenFile === null ? null : Buffer.from(readRegularFile(tokenFile).toString('utf8').trim());
  if (expected !== null && expected.length < leastTokenBytes) {
    throw new Error(`admin.tokenFile must hold at least ${leastTokenBytes} bytes`);
  }
  return (request) => {
    if (expected !== null) {
      const given = Buffer.from(/^bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '');
      if (given.length === expected.length && timingSafeEqual(given, expected)) return true;
    }
    return loopback.test(request.socket.remoteAddress ?? '') && isLoopbackName(request.headers.host ?? '');
  };
}

function isLoopbackName(host: string): boolean {
  const name = host
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase();
  return name === 'localhost' || (isIP(name) !== 0 && loopback.test(name));
}
