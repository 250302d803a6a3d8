import t from 'tap';
import { describeAudience } from '../../src/explain/describe-audience.ts';
import { render } from '../../src/explain/render.ts';
import { listChecks } from '../../src/explain/steps.ts';
import { readBlocks, readDoc } from './markdown.ts';

t.test('the explanation shown is what is printed', async (t) => {
  const [shown = ''] = readBlocks(readDoc('operations.md'), 'console').filter((block) =>
    block.startsWith('$ jwks-sidecar explain '),
  );
  const audience = describeAudience({ aud: 'api://billing' }, ['api://orders']);
  const printed = render({
    allowed: false,
    decision: 'deny',
    reason: 'audience_mismatch',
    status: 401,
    method: 'GET',
    path: '/',
    rule: { name: 'default', auth: 'required', upstream: 'default' },
    issuer: 'http://127.0.0.1:4001',
    steps: listChecks('audience', 'audience_mismatch', { audience }),
  });
  t.equal(shown.slice(shown.indexOf('\n') + 1), printed);
});
