import t from 'tap';
import { parse } from 'yaml';
import type { ConfigInput } from '../../src/config/schema.ts';
import { assertRefused, bearer, sight } from '../gateway/scene.ts';
import { startEcho } from '../helpers/echo.ts';
import { startGateway } from '../helpers/gateway.ts';
import { startFakeIssuer } from '../helpers/issuer.ts';
import { readBlocks, readDoc } from './markdown.ts';

const [block = ''] = readBlocks(readDoc('front-door.md'), 'yaml');

t.test('the front door lets each token to its own service alone', async (t) => {
  const { listen: _, issuers, upstreams, ...input } = parse(block);
  const issuer = await startFakeIssuer(t, { issuer: issuers[0].issuer });
  const [orders, billing, reports] = [await startEcho(t), await startEcho(t), await startEcho(t)];
  const password = 'Basic c2lkZWNhcjp0aGUtcGFzc3dvcmQ=';
  const gateway = await startGateway(t, {
    ...input,
    upstream: orders.url,
    upstreams: {
      billing: billing.url,
      reports: { ...upstreams.reports, url: reports.url, setHeaders: { Authorization: password } },
    },
    issuers: [{ ...issuers[0], jwksUri: issuer.jwksUri, keys: {} }],
  } as ConfigInput);
  const as = (aud: string, claims: object = {}) => bearer(issuer.mint({ claims: { aud, ...claims } }));

  await gateway.request({ path: '/reports/2026', headers: as('api://reports') });
  const seen = sight(reports.seen.at(-1));
  t.equal(seen.header('authorization'), password, 'the service gets its password');
  t.equal(seen.header('x-verified-subject'), 'subject', 'and who it really is');

  await gateway.request({ path: '/billing/7', headers: as('api://billing') });
  const billed = sight(billing.seen.at(-1));
  t.equal(billed.url, '/7', 'stripPrefix');
  t.equal(billed.header('x-forwarded-prefix'), '/billing');
  t.same(billed.all('authorization'), [], 'no password where none is set');

  await gateway.request({ path: '/healthz', headers: { authorization: 'Basic dTpw' } });
  t.same(sight(orders.seen.at(-1)).all('authorization'), [], 'no Authorization of a client, on any rule');

  const head = await gateway.request({ method: 'HEAD', path: '/healthz' });
  t.equal(head.status, 200, 'a rule for GET decides HEAD too');

  const refusals = [
    ['another audience', { path: '/billing/7', headers: as('api://orders') }, 'rule_denied'],
    ['no scope', { path: '/billing/admin/x', headers: as('api://billing') }, 'scope_insufficient'],
    ['no rule', { path: '/internal', headers: as('api://orders') }, 'path_not_found'],
  ] as const;
  for (const [name, request, reason] of refusals) {
    assertRefused(t, name, await gateway.request(request), reason);
  }
  const admin = as('api://billing', { scope: 'billing:admin' });
  t.equal((await gateway.request({ path: '/billing/admin/x', headers: admin })).status, 200);
});
