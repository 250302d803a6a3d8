import fc from 'fast-check';
import t from 'tap';
import { createLogger } from '../../src/observe/logger.ts';
import { compileRequestLog, type RequestLine } from '../../src/observe/request-log.ts';

function begin(level: string) {
  const lines: string[] = [];
  const logger = createLogger({ level, destination: { write: (line) => lines.push(line) } });
  return { lines, logger, log: compileRequestLog(logger) };
}

const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string());
const count = fc.oneof(fc.nat(), fc.double({ noNaN: true, noDefaultInfinity: true, min: 0 }));
const line = fc.record(
  {
    requestId: text,
    client: text,
    method: text,
    path: text,
    rule: text,
    status: fc.nat(999),
    decision: text,
    reason: text,
    issuer: text,
    sub: text,
    kid: text,
    token: text,
    cached: fc.boolean(),
    durationMs: count,
    upstreamMs: count,
    bytes: fc.nat(),
    sampled: fc.nat(),
  },
  { requiredKeys: ['requestId', 'client', 'rule', 'status', 'decision', 'reason', 'issuer'] },
);
const withoutTime = (text: string) => text.replace(/"time":"[^"]+"/, '');

t.test('a request’s line is what pino writes of the same', async (t) => {
  const { lines, logger, log } = begin('info');
  fc.assert(
    fc.property(line, (line) => {
      log(line as RequestLine);
      logger.info({ msg: 'request', ...line });
      const [ours = '', theirs = ''] = lines.splice(0);
      if (withoutTime(ours) !== withoutTime(theirs)) return false;
      JSON.parse(ours);
      return ours.indexOf('\n') === ours.length - 1;
    }),
    { numRuns: 2000 },
  );
  t.pass('2,000 lines of any text');
});

t.test('there is none below the level in force', async (t) => {
  const { lines, logger, log } = begin('warn');
  const line = {
    requestId: '1',
    client: 'c',
    rule: 'r',
    status: 200,
    decision: 'allow',
    reason: 'ok',
    issuer: 'i',
  };
  log(line);
  t.same(lines, []);
  logger.level = 'info';
  log(line);
  t.equal(lines.length, 1);
});
