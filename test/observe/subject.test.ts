import t from 'tap';
import { compileSubject } from '../../src/observe/subject.ts';

t.test('the subject in the log', async (t) => {
  t.equal(compileSubject('none')('alice'), undefined);
  t.equal(compileSubject('plain')('alice'), 'alice');
  const hash = compileSubject('hash');
  t.match(hash('alice'), /^[0-9a-f]{16}$/);
  t.equal(hash('alice'), hash('alice'), 'two lines of one run can be joined');
  t.not(hash('alice'), hash('bob'));
  t.not(compileSubject('hash')('alice'), hash('alice'), 'two runs cannot');
  t.equal(hash(undefined), undefined, 'a token without a subject');
});
