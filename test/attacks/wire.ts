import { ask } from '../gateway/wire.ts';
import { type Recorded, valuesOf } from './recorder.ts';

/** How an allowed request is passed on, where that is not as it came with an ordinary token, or with none. */
export interface Passed {
  /** Path and query. Default: as sent. */
  readonly target?: string;
  /** Header lines of the client. Default: those sent, without Host, and without Authorization where it is verified. */
  readonly fields?: readonly string[];
  /** Identity by header; null for none. Default: that of an ordinary token where one is sent to a rule that looks at it. */
  readonly identity?: Readonly<Record<string, string>> | null;
  readonly body?: string;
}

export interface Surroundings {
  readonly issuer: string;
  readonly baseUrl: string;
}

/** The head of a GET with a bearer token. */
export function bearing(token: string, target = '/required/x'): string {
  return ask(`GET ${target}`, `Authorization: Bearer ${token}`);
}

/** What this gateway makes of a request, to the byte; its id alone is taken from what the upstream saw. */
export function expectedWire(
  sent: string,
  seen: Recorded,
  { issuer, baseUrl }: Surroundings,
  passed: Passed,
): string {
  const headEnd = sent.indexOf('\r\n\r\n');
  const [line = '', ...all] = sent.slice(0, headEnd).split('\r\n');
  const [method = '', target = ''] = line.split(' ');
  const body = passed.body ?? sent.slice(headEnd + 4);
  const verified = !/^\/+public/.test(target) && all.some((field) => bearer.test(field));
  const others = all.filter((field) => !rewritten.test(field) && !(verified && bearer.test(field)));
  const upgrade = all.some((field) => /^upgrade:/i.test(field));
  const identity = passed.identity === undefined && verified ? ordinaryIdentity(issuer) : passed.identity;
  const framing = all.filter((field) => /^(?:content-length|transfer-encoding):/i.test(field));
  return [
    `${method} ${passed.target ?? target} HTTP/1.1`,
    'host: shop.example',
    ...(upgrade ? ['connection: upgrade', 'upgrade: websocket'] : ['connection: keep-alive']),
    'X-Forwarded-For: 127.0.0.1',
    'X-Forwarded-Proto: http',
    'X-Forwarded-Host: shop.example',
    `X-Forwarded-Port: ${new URL(baseUrl).port}`,
    `X-Request-Id: ${valuesOf(seen, 'x-request-id').join()}`,
    ...Object.entries(identity ?? {}).map(([name, value]) => `${name}: ${value}`),
    ...(passed.fields ?? others),
    ...framing.map((field) => field.toLowerCase()),
    '',
    body,
  ].join('\r\n');
}

/** Header lines that a request came with and may not go on with. */
export function droppedFields(sent: string, { fields }: Passed): readonly string[] {
  if (fields === undefined) return [];
  const all = sent.slice(0, sent.indexOf('\r\n\r\n')).split('\r\n').slice(1);
  return all.filter((field) => !rewritten.test(field) && !fields.includes(field));
}

const bearer = /^authorization:[ \t]*bearer\b/i;
/** What is never passed on as it came. */
const rewritten = /^(?:host|connection|upgrade|content-length|transfer-encoding|trailer):/i;

/** Who the token of `mint` is about. */
export function ordinaryIdentity(issuer: string): Record<string, string> {
  return {
    'X-Verified-Subject': 'subject',
    'X-Verified-Issuer': issuer,
    'X-Verified-Client-Id': 'client',
    'X-Verified-Scope': 'orders:read',
  };
}
