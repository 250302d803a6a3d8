import t from 'tap';
import { listChecks } from '../../src/explain/steps.ts';

t.test('what is said of each check', async (t) => {
  const findings = { rule: { hint: 'remark' }, token: { got: 'none' }, form: { got: 'never said' } };
  const failed = listChecks('token', 'token_missing', findings);
  t.strictSame(failed.slice(0, 5), [
    { check: 'method', outcome: 'passed' },
    { check: 'path', outcome: 'passed' },
    { check: 'rule', outcome: 'passed', hint: 'remark' },
    { check: 'token', outcome: 'failed', reason: 'token_missing', got: 'none' },
    { check: 'form', outcome: 'not reached' },
  ]);
  t.strictSame(listChecks('token', null, findings)[3], { check: 'token', outcome: 'passed', got: 'none' });
  t.ok(listChecks(null, null, {}).every(({ outcome }) => outcome === 'passed'));
});

t.test('nothing that is said can drive a terminal or fill a page', async (t) => {
  const [check] = listChecks('method', 'request_malformed', {
    method: { got: `\u001b[2J${'x'.repeat(5000)}` },
  });
  t.match(check?.got, /^\\u001b\[2Jx+$/);
  t.ok((check?.got ?? '').length < 1100);
});
