import t, { type Test } from 'tap';
import { parse } from 'yaml';
import type { ConfigInput } from '../../src/config/schema.ts';
import { reasons } from '../../src/errors.ts';
import { assertRefused, bearer, sight } from '../gateway/scene.ts';
import { startEcho } from '../helpers/echo.ts';
import { startGateway } from '../helpers/gateway.ts';
import { type FakeIssuer, startFakeIssuer } from '../helpers/issuer.ts';
import type { RequestOptions } from '../helpers/request.ts';
import { codes, readBlocks, readDoc, readTable } from './markdown.ts';

const text = readDoc('migration.md');
const ours = readBlocks(text, 'yaml').filter((block) => block.startsWith('# sidecar.yaml'));
type Origin = 'oauth2-proxy' | 'Envoy' | 'nginx';

/** The config that one comes from this program with. */
function from(origin: Origin): string {
  const block = ours.find((each) => each.startsWith(`# sidecar.yaml, from ${origin}\n`));
  if (block === undefined) throw new Error(`There is no config from ${origin}`);
  return block;
}

/** Runs such a config, with issuers of ours in place of the page's, and proxies that are on loopback. */
async function start(t: Test, origin: Origin) {
  const input = parse(from(origin));
  const issuers: FakeIssuer[] = [];
  for (const { issuer } of input.issuers) issuers.push(await startFakeIssuer(t, { issuer }));
  const echo = await startEcho(t);
  const gateway = await startGateway(t, {
    ...input,
    upstream: echo.url,
    issuers: input.issuers.map(({ jwksFile: _, ...each }: { jwksFile?: string }, at: number) => ({
      ...each,
      jwksUri: issuers[at]?.jwksUri,
    })),
    ...(input.listen && { listen: { ...input.listen, trustedProxies: ['127.0.0.1'] } }),
  } as ConfigInput);
  const [idp, partner = idp] = issuers as [FakeIssuer, FakeIssuer?];
  return {
    idp,
    partner,
    gateway,
    /** What the upstream saw of a request that must be allowed. */
    async allows(t: Test, name: string, request: RequestOptions) {
      const answer = await gateway.request(request);
      t.equal(answer.status, 200, name);
      return sight(echo.seen.at(-1));
    },
    async refuses(t: Test, name: string, request: RequestOptions, reason: keyof typeof reasons) {
      assertRefused(t, name, await gateway.request(request), reason as Parameters<typeof assertRefused>[3]);
    },
  };
}

t.test('every code that the page names is one that there is', async (t) => {
  for (const [, code = ''] of text.matchAll(/answers\.md#(\w+)\)/g)) t.ok(code in reasons, code);
  for (const row of readTable(text, 'What', 'Became'))
    for (const code of codes(row.Became ?? '').filter((each) => /^[a-z]+_[a-z_]+$/.test(each)))
      t.ok(code in reasons, code);
});

t.test('from oauth2-proxy', async (t) => {
  const { gateway, idp, partner, allows, refuses } = await start(t, 'oauth2-proxy');
  const claims = { groups: ['orders-users', 'staff'], email: 'alice@example.com', preferred_username: 'al' };
  const spoofed = { 'X-Forwarded-User': 'root', 'X-Auth-Request-User': 'root', X_Forwarded_Email: 'root' };
  for (const issuer of [idp, partner]) {
    const headers = { ...bearer(issuer.mint({ claims })), ...spoofed };
    const seen = await allows(t, `a token of ${issuer.issuer}`, { path: '/orders', headers });
    t.equal(seen.header('x-auth-request-user'), 'subject');
    t.equal(seen.header('x-auth-request-email'), 'alice@example.com');
    t.equal(seen.header('x-auth-request-groups'), 'orders-users,staff');
    t.equal(seen.header('x-auth-request-preferred-username'), 'al');
    t.notOk(seen.rawHeaders.includes('root'), 'and nobody else, though the proxy is trusted');
  }
  await allows(t, 'the open path', { path: '/healthz' });
  await allows(t, 'a preflight', { path: '/orders', method: 'OPTIONS' });
  await refuses(t, 'another open path', { path: '/private/healthz' }, 'token_missing');
  await refuses(
    t,
    'another group',
    { headers: bearer(idp.mint({ claims: { groups: ['staff'] } })) },
    'rule_denied',
  );
  const basic = Buffer.from(`${idp.mint({ claims })}:`).toString('base64');
  await refuses(
    t,
    'a token in a password',
    { headers: { authorization: `Basic ${basic}` } },
    'token_missing',
  );
  const browser = await gateway.request({ headers: { accept: 'text/html' } });
  t.equal(browser.status, 401, 'a browser is not sent to log in');
});

t.test('from Envoy', async (t) => {
  const { idp, partner, allows, refuses } = await start(t, 'Envoy');
  const token = idp.mint({ claims: { org: { tenant: 'acme' } } });
  const seen = await allows(t, 'a token', { path: '/orders', headers: { ...bearer(token), x_user: 'root' } });
  t.equal(seen.header('x-user'), 'subject');
  t.equal(seen.header('x-tenant'), 'acme');
  t.equal(seen.header('x-jwt-payload'), token.split('.')[1], 'the payload, without padding');
  t.notOk(seen.rawHeaders.includes('root'));
  const asserted = (issuer: FakeIssuer) => ({ 'X-Assertion': issuer.mint() });
  await allows(t, 'a partner', { path: '/partners/x', headers: asserted(partner) });
  await allows(t, 'a partner, in the other place', { path: '/partners/x', headers: bearer(partner.mint()) });
  await refuses(t, 'somebody else there', { path: '/partners/x', headers: asserted(idp) }, 'issuer_unknown');
  await refuses(t, 'a partner elsewhere', { path: '/x', headers: asserted(partner) }, 'issuer_unknown');
  await allows(t, 'nobody, in the catalog', { path: '/catalog/1' });
  const bad = { path: '/catalog/1', headers: bearer('junk') };
  await refuses(t, 'a bad token there', bad, 'token_malformed');
  await allows(t, 'the open path', { path: '/healthz' });
  await refuses(t, 'one that begins like it', { path: '/healthzoo' }, 'token_missing');
  const both = { ...bearer(idp.mint()), ...asserted(partner) };
  await refuses(
    t,
    'two tokens, the first of another issuer',
    { path: '/partners/x', headers: both },
    'issuer_unknown',
  );
  await allows(t, 'two tokens elsewhere', { path: '/x', headers: both });
  const times = { exp: Math.floor(Date.now() / 1000) - 30 };
  await allows(t, 'a minute of tolerance', { headers: bearer(idp.mint({ claims: times })) });
  await refuses(t, 'no exp', { headers: bearer(idp.mint({ claims: { exp: undefined } })) }, 'claim_missing');
  await refuses(
    t,
    'another audience',
    { headers: bearer(idp.mint({ claims: { aud: 'x' } })) },
    'audience_mismatch',
  );
  await refuses(t, 'a token in the URL', { path: `/x?access_token=${token}` }, 'token_missing');
});

t.test('from nginx', async (t) => {
  const { idp, allows, refuses } = await start(t, 'nginx');
  const admin = idp.mint({ claims: { role: 'admin', aud: ['x', 'api://orders'] } });
  const seen = await allows(t, 'a token', { path: '/orders', headers: bearer(idp.mint()) });
  t.equal(seen.header('x-user'), 'subject');
  t.same(seen.all('authorization'), [], 'the token ends here');
  const open = await allows(t, 'the open path', { path: '/healthz', headers: { 'X-User': 'root' } });
  t.same(open.all('x-user'), [], 'takes no identity from a client');
  const cookie = { cookie: `access=${admin}` };
  await allows(t, 'a cookie', { path: '/admin/x', headers: cookie });
  await refuses(
    t,
    'that changes something',
    { path: '/admin/x', method: 'POST', headers: cookie },
    'csrf_rejected',
  );
  await refuses(t, 'another role', { path: '/admin/x', headers: bearer(idp.mint()) }, 'rule_denied');
  await refuses(t, 'dots', { path: '/a/%2e%2e/b', headers: bearer(admin) }, 'path_ambiguous');
});
