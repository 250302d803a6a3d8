import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** Whether a request asks for a WebSocket, RFC 6455 section 4.1: one with a body ends elsewhere than where frames could begin. */
export function isWebSocket({ method, httpVersion, headers }: IncomingMessage): boolean {
  return (
    method === 'GET' &&
    httpVersion === '1.1' &&
    headers.upgrade?.trim().toLowerCase() === 'websocket' &&
    headers['transfer-encoding'] === undefined &&
    Number(headers['content-length'] ?? 0) === 0
  );
}

/** Whether a request that asks for a WebSocket does so as RFC 6455 section 4.1 wants it. */
export function isHandshake({ headers }: IncomingMessage): boolean {
  return (
    headers['sec-websocket-version'] === '13' &&
    /^[+/\dA-Za-z]{22}==$/.test(headers['sec-websocket-key'] ?? '')
  );
}

/** Whether an upstream's 101 is the answer to this request, RFC 6455 section 4.1: its key, and no protocol or extension but what was offered. */
export function isAcceptance({ headers }: IncomingMessage, answer: readonly string[]): boolean {
  const extended = valuesOf(answer, 'sec-websocket-extensions').length > 0;
  const accepts = valuesOf(answer, 'sec-websocket-accept');
  const chosen = valuesOf(answer, 'sec-websocket-protocol');
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((each) => each.trim());
  return (
    accepts.length === 1 &&
    accepts[0] === acceptOf(headers['sec-websocket-key'] ?? '') &&
    chosen.length <= 1 &&
    chosen.every((each) => offered.includes(each)) &&
    (!extended || headers['sec-websocket-extensions'] !== undefined)
  );
}

/** Section 4.2.2. */
function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}

function valuesOf(headers: readonly string[], name: string): string[] {
  return headers.flatMap((each, index) =>
    index % 2 === 0 && each.toLowerCase() === name ? [(headers[index + 1] ?? '').trim()] : [],
  );
}
