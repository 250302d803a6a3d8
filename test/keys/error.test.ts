import t from 'tap';
import { codeOf } from '../../src/keys/error.ts';

t.test('the code of a system error, and nothing that could be something else', async (t) => {
  const withCode = (code: unknown) => Object.assign(new Error('secret'), { code });
  t.equal(codeOf(withCode('ECONNREFUSED')), 'ECONNREFUSED');
  t.equal(codeOf(withCode('UND_ERR_SOCKET')), 'UND_ERR_SOCKET');
  const others = [
    withCode('a secret'),
    withCode('E\nX'),
    withCode(''),
    withCode(7),
    new Error('secret'),
    'secret',
    null,
  ];
  for (const other of others) t.equal(codeOf(other), 'no code');
});
