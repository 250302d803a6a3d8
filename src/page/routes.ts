import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ExplainInput, Explanation } from '../explain/explain.ts';
import type { Status } from '../status.ts';
import { isOwnForm, readForm } from './form.ts';
import { pageHeaders } from './headers.ts';
import { icon } from './icon.ts';
import { renderPage } from './render.ts';
import { renderRefused, renderUnauthorized } from './short.ts';

export interface PageOptions {
  status(): Promise<Status>;
  explain(input: ExplainInput): Promise<Explanation>;
  /** Of a form, in bytes. */
  readonly largestForm: number;
}

/** Makes the plugin of the status page: `GET /` and the explainer's form. Who may see it is for whoever registers it. */
export function createPage({ status, explain, largestForm }: PageOptions) {
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

    app.get('/', async (_request, reply) => sendPage(reply, 200, renderPage(await status(), null)));
    app.get('/icon.svg', (_request, reply) => reply.headers({ 'content-type': 'image/svg+xml' }).send(icon));
    // Where a browser goes that is asked to open the address of a result.
    app.get('/explain', (_request, reply) => reply.redirect('/#explain', 303));
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
      return sendPage(reply, 200, renderPage(await status(), explanation));
    });
  };
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
