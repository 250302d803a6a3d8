import t from 'tap';
import { checkMethod } from '../../src/path/method.ts';

t.test('methods that no gateway may pass on', async (t) => {
  for (const method of ['TRACE', 'CONNECT'])
    t.strictSame(checkMethod(method), { refused: 'method_not_allowed' }, method);
  t.strictSame(checkMethod('SOURCE'), { refused: 'request_malformed' }, 'SOURCE is no method of HTTP');
  for (const method of ['GET', 'HEAD', 'POST', 'OPTIONS', 'PROPFIND'])
    t.equal(checkMethod(method), null, method);
});
