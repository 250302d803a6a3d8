import { Client } from 'undici';
import { type Answer, makeAnswer } from './answer.ts';
import { deadline } from './deadline.ts';

export type { Answer } from './answer.ts';

export interface RequestOptions {
  /** Default GET. */
  readonly method?: string;
  /** The request target as it is to be sent, without any normalization. Default `/`. */
  readonly path?: string;
  /** By name, or a list of names and values where a name comes twice. */
  readonly headers?: Readonly<Record<string, string>> | readonly (readonly [name: string, value: string])[];
  readonly body?: string | Buffer;
  /** Another address of the loopback network, to be another client. */
  readonly localAddress?: string;
  /** PEM that an https server's certificate is checked against. */
  readonly ca?: string | Buffer;
}

/**
 * Sends one request over a connection of its own and reads the whole answer. Redirects are not followed. Headers
 * that undici will not send (`Expect`, `Transfer-Encoding`, most of `Connection`) are a task for `connectRaw`.
 */
export async function request(origin: string, options: RequestOptions = {}): Promise<Answer> {
  const { method = 'GET', path = '/', headers = {}, body = null, localAddress, ca } = options;
  const client = new Client(origin, {
    headersTimeout: deadline,
    bodyTimeout: deadline,
    connect: { timeout: deadline, ...(ca && { ca }) },
    ...(localAddress && { localAddress }),
  });
  try {
    const pairs = Array.isArray(headers) ? headers : Object.entries(headers);
    const answer = await client.request({
      method,
      path,
      headers: pairs.flat(),
      body,
      responseHeaders: 'raw',
    });
    const rawHeaders = answer.headers as unknown as string[];
    return makeAnswer(answer.statusCode, rawHeaders, Buffer.from(await answer.body.arrayBuffer()));
  } finally {
    await client.destroy();
  }
}
