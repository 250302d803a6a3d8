import { randomBytes } from 'node:crypto';
import t from 'tap';
import { compileSubject } from '../../src/observe/subject.ts';

t.test('the subject in the log', async (t) => {
  const key = randomBytes(32);
  t.equal(compileSubject('none', key)('alice'), undefined);
  t.equal(compileSubject('plain', key)('alice'), 'alice');
  const hash = compileSubject('hash', key);
  t.match(hash('alice'), /^[0-9a-f]{16}$/);
  t.equal(hash('alice'), hash('alice'), 'two lines of one run can be joined');
  t.not(hash('alice'), hash('bob'));
  t.not(compileSubject('hash', randomBytes(32))('alice'), hash('alice'), 'two runs cannot');
  t.equal(hash(undefined), undefined, 'a token without a subject');
});
