import t from 'tap';
import { composeAnswer } from '../../src/answer.ts';
import { type Reason, type ReasonText, reasons } from '../../src/errors.ts';
import { codes, readBlocks, readDoc, readTable } from './markdown.ts';
import { isReason } from './reason.ts';

const text = readDoc('answers.md');
const all = Object.entries(reasons) as [Reason, ReasonText][];
const documented = readTable(text, 'Code', 'Status');

t.test('the table names every reason once, in the order of the code', async (t) => {
  t.same(
    documented.map((row) => row.Code),
    all.map(([reason]) => `[\`${reason}\`](#${reason})`),
  );
});

for (const [index, [reason, { status, about, challenge, counted }]] of all.entries()) {
  t.test(reason, async (t) => {
    const row = documented[index] ?? {};
    const challenges = { none: '—', bare: 'no error' } as const;
    t.equal(row.Status, String(status), 'status');
    t.equal(row.Challenge, challenge in challenges ? challenges[challenge as 'none'] : `\`${challenge}\``);
    t.equal(row.Counted, counted ? '†' : '', 'counted by the failure limit');
    t.equal(
      row['Retry-After'],
      'retry-after' in composeAnswer({ refused: reason }, 'id').headers ? 'yes' : '',
    );
    t.equal(row['Report mode'], about === 'token' || about === 'rule' ? 'forwarded' : 'refused');

    const entry = text.split(`\n### ${reason}\n`)[1]?.split(/\n##+ /)[0] ?? '';
    for (const part of ['Cause', 'Client', 'Operator']) t.match(entry, `**${part}.** `, `says: ${part}`);
  });
}

t.test('every status has its reasons, and no other', async (t) => {
  const rows = readTable(text, 'Status', 'Is one of').map((row) => [
    Number(row.Status),
    codes(row['Is one of'] ?? ''),
  ]);
  const statuses = [...new Set(all.map(([, { status }]) => status))].sort((a, b) => a - b);
  const grouped = statuses.map((each) => [
    each,
    all.filter(([, { status }]) => status === each).map(([code]) => code),
  ]);
  t.same(rows, grouped);
});

t.test('no other entry is there', async (t) => {
  const entries = [...text.matchAll(/^### ([a-z]+(?:_[a-z]+)*)$/gm)].map((match) => match[1]);
  t.same(
    entries,
    all.map(([reason]) => reason),
    'in the order of the table',
  );
});

t.test('the challenges are those that are sent', async (t) => {
  const rows = readTable(text, 'In the table', 'Header');
  const examples: Readonly<Record<string, Reason>> = {
    'no error': 'token_missing',
    '`invalid_request`': 'token_ambiguous',
    '`invalid_token`': 'token_expired',
    '`insufficient_scope`': 'scope_insufficient',
    '—': 'rule_denied',
  };
  t.same(
    rows.map((row) => row['In the table']),
    Object.keys(examples),
  );
  for (const row of rows) {
    const refused = examples[row['In the table'] ?? ''] as Reason;
    const sent = composeAnswer({ refused, scope: '…' }, 'id').headers['www-authenticate'];
    t.equal(codes(row.Header ?? '')[0], sent, refused);
  }
});

t.test('the answers shown are those that are given', async (t) => {
  const shown = readBlocks(text, 'console').filter((block) => block.includes('HTTP/1.1 '));
  t.ok(shown.length > 0, 'there are some');
  for (const block of shown) {
    const [head = '', body = ''] = block.slice(block.indexOf('HTTP/1.1 ')).split('\n\n');
    const [statusLine, ...lines] = head.split('\n');
    const { code, requestId } = JSON.parse(body);
    t.ok(isReason(code), code);
    const scope = head.match(/scope="([^"]*)"/)?.[1] ?? '';
    const retryAfter = Number(head.match(/^retry-after: (\d+)$/m)?.[1]);
    const given = composeAnswer({ refused: code, scope, ...(retryAfter > 0 && { retryAfter }) }, requestId);
    t.match(statusLine, `HTTP/1.1 ${given.status} `);
    t.same(JSON.parse(body), JSON.parse(given.body), 'body');
    for (const [name, value] of Object.entries(given.headers))
      t.ok(lines.includes(`${name}: ${value}`), name);
  }
});
