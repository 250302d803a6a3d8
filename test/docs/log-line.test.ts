import type { IncomingMessage, ServerResponse } from 'node:http';
import t from 'tap';
import type { Exchange } from '../../src/exchange.ts';
import { compileAccount, compileAccountRaw } from '../../src/hooks/account.ts';
import { createLogger } from '../../src/observe/logger.ts';
import { createMetrics } from '../../src/observe/metrics.ts';
import { codes, readBlocks, readDoc, readTable } from './markdown.ts';

const text = readDoc('logs.md');
const documented = readTable(text, 'Field', 'Type', 'When').map((row) => ({
  name: codes(row.Field ?? '')[0] ?? '',
  type: row.Type,
  always: row.When === 'always',
}));
const names = documented.map(({ name }) => name);
const metrics = createMetrics({ version: '0.0.0' });
const clock = { now: () => 0, elapsed: () => 5 };

/** The lines that something logs. */
function linesOf(log: (logger: ReturnType<typeof createLogger>) => void): object[] {
  const lines: string[] = [];
  log(createLogger({ level: 'info', destination: { write: (line) => lines.push(line) } }));
  return lines.map((line) => JSON.parse(line));
}

/** A request of which every stage has learned all there is. */
const full = {
  policy: { log: { requests: 'all', sample: 2 } },
  requestId: 'id',
  client: { address: '192.0.2.1', peer: '192.0.2.1', peerTrusted: true },
  startedAt: 0,
  url: '/orders',
  target: { path: '/orders', match: '/orders', query: '' },
  rule: { label: 'orders', upstream: null },
  token: { prepared: { subject: 'alice' }, fingerprint: '00000000', kid: 'a' },
  cached: true,
  kid: 'a',
  decision: { outcome: 'allow', reason: 'ok', issuer: 'https://idp.example.com' },
  answered: null,
  cut: null,
  upstreamMs: 1,
  bytes: 1,
} as unknown as Exchange;

function account(exchange: Exchange): object {
  const [line = {}] = linesOf((logger) => {
    const request = { method: 'GET', url: '/orders', headers: {} } as IncomingMessage;
    const done = compileAccount(
      clock,
      metrics,
      logger,
      () => {},
      () => ({ expected: 'a token', got: 'none' }),
    );
    done(exchange, request, { headersSent: true, statusCode: 200 } as ServerResponse);
  });
  return line;
}

const [raw = {}] = linesOf((logger) => {
  const log = compileAccountRaw(metrics, logger, () => full.policy);
  log({ refused: 'request_malformed' }, 400, 'id', '192.0.2.1');
});

t.test('the table has every field, in the order of the line, with its type', async (t) => {
  const fields = (exchange: Exchange) =>
    Object.entries(account(exchange)).map(([name, value]) => ({ name, type: typeof value }));
  const without = (...left: readonly string[]) =>
    documented.flatMap(({ name, type }) => (left.includes(name) ? [] : [{ name, type }]));
  t.same(fields(full), without('expected', 'got', 'cut'), 'what is allowed expects nothing');
  const refused = { outcome: 'report', reason: 'scope_insufficient', issuer: 'a' } as const;
  t.same(fields({ ...full, decision: refused }), without('sampled', 'cut'), 'what is refused is not sampled');
  // A line of an answer that was cut stands for itself alone.
  t.same(fields({ ...full, cut: 'answer_not_read' }), without('sampled', 'expected', 'got'));
});

t.test('the fields that are always there are those of the shortest lines', async (t) => {
  const undecided = Object.keys(account({ ...full, decision: null }));
  t.same(
    Object.keys(raw).filter((name) => undecided.includes(name)),
    documented.filter(({ always }) => always).map(({ name }) => name),
  );
});

t.test('the lines shown have these fields, in this order', async (t) => {
  const shown = readBlocks(text, 'json')
    .flatMap((block) => block.trim().split('\n'))
    .map((line) => JSON.parse(line) as object)
    .filter((line) => 'msg' in line && line.msg === 'request')
    .map((line) => Object.keys(line));
  t.same(
    shown[0],
    names.filter((name) => !['sampled', 'expected', 'got', 'cut'].includes(name)),
    'all of them where all is well',
  );
  t.ok(
    shown.some((fields) => fields.includes('expected') && fields.includes('got')),
    'one that is refused',
  );
  t.ok(
    shown.some((fields) => fields.includes('sampled')),
    'and one that is sampled',
  );
  for (const fields of shown) {
    t.same(
      fields,
      names.filter((name) => fields.includes(name)),
    );
  }
});

t.test('what never became a request has the fields that the page names', async (t) => {
  const named = codes(text.match(/What never became a request(?:.|\n)+?only:/m)?.[0] ?? '');
  t.same(
    Object.keys(raw).filter((field) => !['level', 'time', 'msg'].includes(field)),
    named.filter((name) => name !== 'CONNECT'),
  );
});
