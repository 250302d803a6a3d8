import t from 'tap';
import { createLevel } from '../../src/observe/level.ts';
import { createLogger } from '../../src/observe/logger.ts';

function begin(configured: string) {
  const lines: string[] = [];
  const logger = createLogger({ level: configured, destination: { write: (line) => lines.push(line) } });
  return { lines, logger, level: createLevel(logger) };
}

t.test('every level can be left for debug and gone back to, and the log says so', async (t) => {
  for (const configured of ['debug', 'info', 'warn', 'error', 'fatal', 'silent']) {
    const { lines, level } = begin(configured);
    level.toggleDebug();
    t.match(level, { current: 'debug', configured });
    level.toggleDebug();
    t.match(level, { current: configured, configured });
    t.match(
      lines.map((line) => JSON.parse(line)),
      [
        { level: 'info', msg: 'log level changed', from: configured, to: 'debug' },
        { level: 'info', msg: 'log level changed', from: 'debug', to: configured },
      ],
    );
  }
});

t.test('trace, which says more, stays', async (t) => {
  const { lines, level } = begin('trace');
  level.toggleDebug();
  t.equal(level.current, 'trace');
  level.configure('error');
  t.equal(level.current, 'debug', 'until another level is configured');
  level.configure('trace');
  level.toggleDebug();
  t.equal(level.current, 'trace');
  t.equal(lines.length, 2);
});

t.test('a configured level is in force at once where debug is off', async (t) => {
  const { level, logger } = begin('info');
  level.configure('silent');
  t.equal(logger.level, 'silent');
});
