import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import Negotiator from 'negotiator';
import { type Challenge, type Reason, type Refusal, reasons } from './errors.ts';
import { endAfter } from './proxy/last-request.ts';

const realm = 'api';
const style =
  'body{font:1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:15vh auto;padding:0 1rem;color:#222;background:#fff}' +
  'small{color:#666}@media(prefers-color-scheme:dark){body{color:#eee;background:#181818}small{color:#aaa}}';
const contentSecurityPolicy = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; frame-ancestors 'none'`;

/** A body larger than this is not read to its end only to keep the connection of a refused request. */
const lingerBytes = 1024 * 1024;

/** WWW-Authenticate of a refusal, RFC 6750 section 3. Undefined: the reason challenges nobody. */
function challenge(kind: Challenge, scope: string | undefined): string | undefined {
  if (kind === 'none') return undefined;
  if (kind === 'bare') return `Bearer realm="${realm}"`;
  const base = `Bearer realm="${realm}", error="${kind}"`;
  return kind === 'insufficient_scope' && scope ? `${base}, scope="${scope}"` : base;
}

/** The page that a browser gets. Every text is the gateway's own; the request id is checked where it is taken over. */
function page(reason: Reason, requestId: string): string {
  const text: { title: string; detail: string; page?: string } = reasons[reason];
  return (
    `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">` +
    `<title>${text.title}</title><style>${style}</style><h1>${text.title}</h1><p>${text.page ?? text.detail}</p>` +
    `<p><small>${reason} · ${requestId}</small></p></html>\n`
  );
}

/** No browser sends more; sorting a stranger's thousand media types is work that a refusal is not worth. */
const longestAccept = 512;

/** Whether a client would rather have a page than problem details. */
export function prefersPage(accept: string | undefined): boolean {
  if (!accept?.includes('text/html') || accept.length > longestAccept) return false;
  const types = new Negotiator({ headers: { accept } }).mediaTypes([
    'application/problem+json',
    'application/json',
    'text/html',
  ]);
  return types[0] === 'text/html';
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | number>>;
  readonly body: string;
}

/** The whole answer to a refusal: RFC 9457 problem details, or a small page for a browser. */
export function composeAnswer(refusal: Refusal, requestId: string, accept?: string): Answer {
  const { status, title, detail, challenge: kind } = reasons[refusal.refused];
  const asPage = prefersPage(accept);
  const body = asPage
    ? page(refusal.refused, requestId)
    : `${JSON.stringify({
        type: `urn:jwks-sidecar:reason:${refusal.refused}`,
        title,
        status,
        code: refusal.refused,
        detail,
        requestId,
      })}\n`;
  const headers: Record<string, string | number> = {
    'content-type': asPage ? 'text/html; charset=utf-8' : 'application/problem+json',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'x-request-id': requestId,
  };
  if (asPage) headers['content-security-policy'] = contentSecurityPolicy;
  const authenticate = challenge(kind, refusal.scope);
  if (authenticate) headers['www-authenticate'] = authenticate;
  if (status === 405) headers.allow = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS';
  const retryAfter = refusal.retryAfter ?? (status === 503 || status === 429 ? 1 : undefined);
  if (retryAfter !== undefined) headers['retry-after'] = retryAfter;
  return { status, headers, body };
}

/** True when more of the request's body may come than is worth reading for the connection's sake. */
function tooMuchLeft(request: IncomingMessage): boolean {
  if (request.complete) return false;
  if (request.headers['transfer-encoding'] !== undefined) return true;
  return Number(request.headers['content-length'] ?? 0) > lingerBytes;
}

/**
 * Sends a refusal. Does nothing when an answer has begun: the caller must then end the connection.
 *
 * @returns how many bytes its body has
 */
export function answer(
  request: IncomingMessage,
  response: ServerResponse,
  refusal: Refusal,
  requestId: string,
): number {
  if (response.headersSent || response.destroyed) return 0;
  const { status, headers, body } = composeAnswer(refusal, requestId, request.headers.accept);
  const closing = refusal.refused === 'draining' || status === 408 || tooMuchLeft(request);
  if (closing) endAfter(request);
  response.writeHead(status, closing ? { ...headers, connection: 'close' } : headers);
  response.end(body);
  return request.method === 'HEAD' ? 0 : Buffer.byteLength(body);
}

/** The same as bytes, for connections whose request never became one (parse errors, CONNECT). The connection closes after it. */
export function rawAnswer(refusal: Refusal, requestId: string, statusMessage: string): string {
  const { status, headers, body } = composeAnswer(refusal, requestId);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${statusMessage}\r\n${lines.join('')}date: ${new Date().toUTCString()}\r\nconnection: close\r\n\r\n${body}`;
}
