import type { IncomingMessage, ServerResponse } from 'node:http';
import t from 'tap';
import type { Exchange } from '../../src/exchange.ts';
import { compileAccount, compileAccountRaw } from '../../src/hooks/account.ts';
import { createLogger } from '../../src/observe/logger.ts';
import { createMetrics } from '../../src/observe/metrics.ts';
import { codes, readBlocks, readDoc, readTable } from './markdown.ts';

const text = readDoc('metrics.md');
const documented = readTable(text, 'Field', 'Meaning').map((row) => codes(row.Field ?? '')[0] ?? '');
const metrics = createMetrics({ version: '0.0.0' });
const clock = { now: () => 0, elapsed: () => 5 };

/** The fields of the lines that something logs. */
function fieldsOf(log: (logger: ReturnType<typeof createLogger>) => void): string[][] {
  const lines: string[] = [];
  log(createLogger({ level: 'info', destination: { write: (line) => lines.push(line) } }));
  return lines.map((line) => Object.keys(JSON.parse(line)));
}

/** A request of which every stage has learned all there is. */
const full = {
  policy: { log: { requests: 'all', sample: 1 } },
  requestId: 'id',
  client: { address: '192.0.2.1' },
  startedAt: 0,
  target: { path: '/orders', match: '/orders', query: '' },
  rule: { label: 'orders', upstream: null },
  token: { prepared: { subject: 'alice' }, fingerprint: '00000000', kid: 'a' },
  cached: true,
  kid: 'a',
  decision: { outcome: 'allow', reason: 'ok', issuer: 'https://idp.example.com' },
  answered: null,
  upstreamMs: 1,
  bytes: 1,
} as unknown as Exchange;

t.test('the table has every field, in the order of the line', async (t) => {
  const [fields] = fieldsOf((logger) => {
    const request = { method: 'GET', url: '/orders' } as IncomingMessage;
    const account = compileAccount(
      clock,
      metrics,
      logger,
      () => {},
      () => {},
    );
    account(full, request, { headersSent: true, statusCode: 200 } as ServerResponse);
  });
  t.same(documented, fields);
});

t.test('the lines shown have these fields', async (t) => {
  const shown = readBlocks(text, 'json').map((line) => Object.keys(JSON.parse(line)));
  t.same(shown[0], documented, 'all of them where all is well');
  for (const fields of shown) {
    t.same(
      fields,
      documented.filter((field) => fields.includes(field)),
    );
  }
});

t.test('what never became a request has the fields that the page names', async (t) => {
  const [fields] = fieldsOf((logger) => {
    compileAccountRaw(metrics, logger, () => full.policy)(
      { refused: 'request_malformed' },
      400,
      'id',
      '192.0.2.1',
    );
  });
  const named = codes(text.match(/What never became a request(?:.|\n)+?only\./m)?.[0] ?? '');
  t.same(
    fields?.filter((field) => !['level', 'time', 'msg'].includes(field)),
    named.filter((name) => name !== 'CONNECT'),
  );
});
