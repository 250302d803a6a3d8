import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { startTarget, type Target } from '../attacks/harness.ts';
import { judgeRegression, mayAnswer } from '../attacks/regressions.ts';

/** FUZZ_SECONDS=3600 npm run test:long -- test/long/fuzz.test.ts */
const seconds = Number(process.env.FUZZ_SECONDS ?? 60);
/** FUZZ_SEED repeats a run. */
const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31);
const folder = join(import.meta.dirname, '../attacks/regressions');

const byte = fc.integer({ min: 0, max: 255 });
const odd = fc.constantFrom(
  ...[
    '\0',
    '\r',
    '\n',
    '\r\n',
    ' ',
    '\t',
    '%00',
    '%2e',
    '%2f',
    '%5c',
    '..',
    '//',
    ';',
    '#',
    '?',
    '\\',
    '\xff',
    ':',
    ',',
    '"',
    '{',
    '=',
    '.',
    '-',
    '_',
    '+',
    '/',
  ],
);

/** Some bytes of a text taken out, put in, doubled or changed. */
function mutated(text: string): fc.Arbitrary<string> {
  const place = fc.nat({ max: Math.max(0, text.length - 1) });
  const once = fc.oneof(
    fc.tuple(place, odd).map(
      ([at, put]) =>
        (s: string) =>
          s.slice(0, at) + put + s.slice(at),
    ),
    fc.tuple(place, odd).map(
      ([at, put]) =>
        (s: string) =>
          s.slice(0, at) + put + s.slice(at + put.length),
    ),
    fc.tuple(place, byte).map(
      ([at, b]) =>
        (s: string) =>
          s.slice(0, at) + String.fromCharCode(b) + s.slice(at + 1),
    ),
    fc.tuple(place, fc.nat({ max: 40 })).map(
      ([at, n]) =>
        (s: string) =>
          s.slice(0, at) + s.slice(at + n),
    ),
    fc.tuple(place, fc.nat({ max: 40 })).map(
      ([at, n]) =>
        (s: string) =>
          s.slice(0, at + n) + s.slice(at),
    ),
  );
  return fc
    .array(once, { minLength: 1, maxLength: 4 })
    .map((all) => all.reduce((s, change) => change(s), text))
    .filter((changed) => changed !== text);
}

/** Requests that no gateway may forward: a token that is not the one that was signed, or none at all. */
function requests(target: Target): fc.Arbitrary<string> {
  const token = target.mint();
  const head = (line: string, fields: string) =>
    `${line} HTTP/1.1\r\nHost: shop.example\r\n${fields}\r\n\r\n`;
  return fc.oneof(
    mutated(token)
      // Space around a field's value is no part of it.
      .map((each) => each.replace(/[\r\n]/g, '').trim())
      .filter((each) => each !== token)
      .map((each) => head('GET /required/x', `Authorization: Bearer ${each}`)),
    fc
      .tuple(mutated('/required/x?a=b'), fc.constantFrom('GET', 'POST', 'PUT', 'OPTIONS'))
      .map(([path, method]) => head(`${method} ${path}`, 'Accept: */*')),
    mutated(head('GET /required/x', 'Accept: */*\r\nX-Verified-Subject: root\r\nConnection: keep-alive')),
    mutated(head('POST /forbidden/x', 'Content-Length: 5\r\nTransfer-Encoding: chunked')).map(
      (text) => `${text}0\r\n\r\n`,
    ),
    mutated(
      head(
        'GET /required/x',
        'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      ),
    ),
  );
}

/** Sends bytes and their end; all that comes back. */
function converse(url: URL, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(Number(url.port), url.hostname);
    let text = '';
    socket.setTimeout(5000, () => socket.destroy());
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => resolve(text));
    socket.end(Buffer.from(bytes, 'latin1'));
  });
}

t.test(
  'whatever is sent, nothing is let through and nothing breaks',
  { timeout: (seconds + 60) * 1000 },
  async (t) => {
    const target = await startTarget(t, {
      rules: [{ path: '/forbidden/*', scopes: ['nobody:has'] }, { path: '/*' }],
    });
    const url = new URL(target.baseUrl);
    const end = Date.now() + seconds * 1000;
    const samples = requests(target);
    let sent = 0;
    for (let round = 0; Date.now() < end; round++) {
      const inputs = fc.sample(samples, { seed: seed + round, numRuns: 200 });
      const before = target.upstream.bytes;
      const answers = await Promise.all(inputs.map((bytes) => converse(url, bytes)));
      sent += inputs.length;
      const bad = inputs.filter((_, index) => !mayAnswer(answers[index] ?? ''));
      for (const bytes of bad) keep(bytes);
      if (bad.length > 0)
        return t.fail(`${bad.length} inputs were answered as they may not be: test/attacks/regressions`);
      if (target.upstream.bytes === before) continue;
      for (const bytes of inputs) {
        if (!(await judgeRegression(target, () => converse(url, bytes)))) keep(bytes);
      }
      return t.fail('an input came through: test/attacks/regressions');
    }
    t.ok(sent >= 1000, `${sent} inputs in ${seconds} s, seed ${seed}`);
  },
);

function keep(bytes: string): void {
  const name = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
  writeFileSync(join(folder, `${name}.http`), Buffer.from(bytes, 'latin1'));
}
