import { once } from 'node:events';
import { Writable } from 'node:stream';
import type { Test } from 'tap';
import type { Clock } from '../../src/clock.ts';
import { completeConfig } from '../../src/config/complete.ts';
import type { ConfigInput } from '../../src/config/schema.ts';
import { createLogger } from '../../src/observe/logger.ts';
import { createServer, type Server } from '../../src/server.ts';
import { withDeadline } from './deadline.ts';
import { connectRaw, type RawConnection } from './raw.ts';
import { type Answer, type RequestOptions, request } from './request.ts';

export interface GatewayOptions {
  readonly clock?: Clock;
}

export type LogLine = Readonly<Record<string, unknown>>;

/** A running gateway, with all that it ever said. */
export interface TestGateway {
  readonly server: Server;
  readonly url: string;
  readonly port: number;
  readonly admin: string;
  /** Every line logged so far. */
  readonly lines: readonly LogLine[];
  request(options?: RequestOptions): Promise<Answer>;
  /** The same with a bearer token. */
  get(path: string, token?: string, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  raw(): Promise<RawConnection>;
  /** The `request` line of a request id, once it is logged. */
  line(requestId: string | undefined): Promise<LogLine>;
  /** The first line that fits, once it is logged. */
  lineWhere(fits: (line: LogLine) => boolean): Promise<LogLine>;
  /** Puts another config in force, on the same ports. Rejects where it cannot be used. */
  reload(config: ConfigInput): Promise<{ readonly needsRestart: readonly string[] }>;
  metrics(): Promise<string>;
  /** One sample of the metrics, 0 where there is none. */
  metric(sample: string): Promise<number>;
}

/**
 * Starts a gateway on free ports of 127.0.0.1 for as long as a test runs. When the test ends, every line that it
 * logged, every answer of its own and its metrics are searched for the text of every token that was sent to it.
 */
export async function startGateway(
  t: Pick<Test, 'teardown'>,
  config: ConfigInput,
  options: GatewayOptions = {},
): Promise<TestGateway> {
  const lines: LogLine[] = [];
  const said: string[] = [];
  const secrets = new Set<string>();
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      for (const text of chunk.toString().split('\n').filter(Boolean)) {
        said.push(text);
        lines.push(JSON.parse(text) as LogLine);
      }
      destination.emit('line');
      done();
    },
  });
  destination.setMaxListeners(0);
  const load = (input: ConfigInput) =>
    completeConfig({
      // What no test is about, and must be said where rules ask for scopes.
      unmatched: 'required',
      ...input,
      listen: { host: '127.0.0.1', port: 0, ...input.listen },
      admin: { host: '127.0.0.1', port: 0, ...input.admin },
    });
  const complete = load(config).config;
  const logger = createLogger({ level: complete.log.level, destination });
  const server = createServer(complete, { logger, ...options });
  const { port, adminPort } = await server.start();
  const scheme = complete.listen.tls === null ? 'http' : 'https';
  const url = `${scheme}://127.0.0.1:${port}`;
  const admin = `http://127.0.0.1:${adminPort}`;
  const metrics = async () => (await request(admin, { path: '/metrics' })).text;

  t.teardown(async () => {
    said.push(await server.metrics.text());
    await server.close();
    const leaked = [...secrets].filter((secret) => said.some((text) => text.includes(secret)));
    // tap takes no assertion in a teardown; what it throws fails the test as well.
    if (leaked.length > 0) throw new Error('a log line, an answer or a metric holds the text of a token');
  });

  const send = async (options: RequestOptions = {}): Promise<Answer> => {
    for (const value of Object.values(options.headers ?? {}).flat()) collect(value, secrets);
    collect(options.path ?? '', secrets);
    const answer = await request(url, options);
    if (answer.header('content-type') === 'application/problem+json' || answer.text.startsWith('<!doctype')) {
      said.push(answer.text, answer.rawHeaders.join('\n'));
    }
    return answer;
  };
  const lineWhere = async (fits: (line: LogLine) => boolean): Promise<LogLine> => {
    for (;;) {
      const line = lines.find(fits);
      if (line) return line;
      await withDeadline(once(destination, 'line'), 'a log line');
    }
  };

  return {
    server,
    url,
    port,
    admin,
    lines,
    request: send,
    get: (path, token, headers = {}) =>
      send({
        path,
        headers: token === undefined ? headers : { authorization: `Bearer ${token}`, ...headers },
      }),
    raw: () => connectRaw(t, url),
    line: (requestId) => lineWhere((line) => line.msg === 'request' && line.requestId === requestId),
    lineWhere,
    reload: (next) => server.reload(() => load(next)),
    metrics,
    async metric(sample) {
      const found = (await metrics()).split('\n').find((line) => line.startsWith(`${sample} `));
      return found === undefined ? 0 : Number(found.slice(sample.length + 1));
    },
  };
}

/** Remembers the parts of whatever looks like a token, long enough that they could not stand there by chance. */
function collect(text: string, secrets: Set<string>): void {
  for (const token of text.match(/[\w-]{16,}\.[\w-]{16,}(?:\.[\w-]*)?/g) ?? []) {
    for (const part of token.split('.')) if (part.length >= 16) secrets.add(part);
  }
}
