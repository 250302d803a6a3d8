import type { IncomingMessage } from 'node:http';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ExplainInput, Explanation } from '../explain/explain.ts';
import type { BlockedNetwork, Status } from '../status.ts';
import type { ClientsView, FullView } from './clients.ts';
import { isOwnForm, readBlocksForm, readForm } from './form.ts';
import { pageHeaders } from './headers.ts';
import { icon } from './icon.ts';
import { renderPage } from './render.ts';
import { renderRefused, renderUnauthorized } from './short.ts';

export interface PageOptions {
  status(): Promise<Status>;
  explain(input: ExplainInput): Promise<Explanation>;
  /** At this moment. */
  access(): PageAccess;
  readonly blocks: PageBlocks;
  /** Of a form, in bytes. */
  readonly largestForm: number;
}

interface PageAccess {
  of(request: IncomingMessage): 'token' | 'local' | 'none';
  isToken(text: string): boolean;
  readonly hasToken: boolean;
}

interface PageBlocks {
  list(page: { readonly limit: number; readonly offset: number }): {
    readonly blocks: readonly BlockedNetwork[];
    readonly total: number;
  };
  release(network: string): string | null;
}

/** Blocked clients that are shown in full; there may be others. */
const mostBlocksShown = 100;

/**
 * Makes the plugin of the status page: `GET /`, and the forms of the explainer and of the blocked clients. Who may see
 * the page is decided by the plugin around it; the blocked clients are shown in full, and released, to those alone who
 * hold the admin token.
 */
export function createPage({ status, explain, access, blocks, largestForm }: PageOptions) {
  const viewFor = (request: FastifyRequest): ClientsView => {
    const { of, hasToken } = access();
    return of(request.raw) === 'token' ? showAll(false) : { kind: 'masked', hasToken };
  };
  const showAll = (asksToken: boolean, done: string | null = null): FullView => ({
    kind: 'full',
    ...blocks.list({ limit: mostBlocksShown, offset: 0 }),
    asksToken,
    done,
  });

  return async function page(app: FastifyInstance): Promise<void> {
    app.setErrorHandler(({ statusCode = 500 }: FastifyError, _request, reply) => {
      const sentence = statusCode < 500 ? 'The form could not be read.' : 'The page could not be made.';
      return sendPage(reply, statusCode, renderRefused(statusCode < 500 ? 'Bad request' : 'Error', sentence));
    });
    // A form alone, and only here: api/explain must go on to refuse what any page can send.
    app.removeAllContentTypeParsers();
    app.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string', bodyLimit: largestForm },
      (_request, body, done) => done(null, body),
    );

    app.get('/', async (request, reply) =>
      sendPage(reply, 200, renderPage(await status(), null, viewFor(request))),
    );
    app.get('/icon.svg', (_request, reply) => reply.headers({ 'content-type': 'image/svg+xml' }).send(icon));
    // Where a browser goes that is asked to open the address of a result.
    app.get('/explain', (_request, reply) => reply.redirect('/#explain', 303));
    app.get('/blocks', (_request, reply) => reply.redirect('/#clients', 303));
    app.post('/explain', { onRequest: refuseForeign }, async (request, reply) => {
      const input = readForm(String(request.body ?? ''));
      if (input === null) {
        return sendPage(
          reply,
          400,
          renderRefused('Bad request', 'The form needs a token, a method and a path.'),
        );
      }
      const explanation = await explain(input);
      return sendPage(reply, 200, renderPage(await status(), explanation, viewFor(request)));
    });
    app.post('/blocks', { onRequest: refuseForeign }, async (request, reply) => {
      const form = readBlocksForm(String(request.body ?? ''));
      if (form === null) {
        return sendPage(reply, 400, renderRefused('Bad request', 'The form could not be read.'));
      }
      const { of, isToken, hasToken } = access();
      const asksToken = of(request.raw) !== 'token';
      if (asksToken && !isToken(form.token)) {
        return sendPage(reply, 403, renderRefused('Refused', whyRefused(hasToken)));
      }
      const done = form.release === null ? null : release(form.release);
      return sendPage(reply, 200, renderPage(await status(), null, showAll(asksToken, done)));
    });
  };

  function release(network: string): string {
    const released = blocks.release(network);
    return released === null
      ? `${network} is not blocked.`
      : `${released} is released: its count begins anew.`;
  }
}

function whyRefused(hasToken: boolean): string {
  return hasToken
    ? 'This is not the token of admin.tokenFile.'
    : 'This needs the token of admin.tokenFile, which is not set.';
}

function refuseForeign(request: FastifyRequest, reply: FastifyReply, done: () => void): void {
  const { headers } = request;
  const site = headers['sec-fetch-site'];
  const { origin, host } = headers;
  if (isOwnForm({ secFetchSite: typeof site === 'string' ? site : undefined, origin, host })) return done();
  sendPage(reply, 403, renderRefused('Refused', 'This form did not come from the status page itself.'));
}

/** Tells a browser how to get in. */
export function sendUnauthorizedPage(reply: FastifyReply): FastifyReply {
  return sendPage(reply, 401, renderUnauthorized());
}

function sendPage(reply: FastifyReply, status: number, text: string): FastifyReply {
  return reply.code(status).headers(pageHeaders).send(text);
}
