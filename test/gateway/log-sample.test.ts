import t from 'tap';
import type { TestGateway } from '../helpers/gateway.ts';
import { bearer, startScene } from './scene.ts';
import { deadUrl } from './wire.ts';

const rules = [
  { path: '/open', auth: 'none' },
  { path: '/reported', mode: 'report' },
  { path: '/dead', auth: 'none', upstream: 'dead' },
] as const;

function logged({ lines }: TestGateway) {
  return lines.filter(({ msg }) => msg === 'request').map(({ path, sampled }) => ({ path, sampled }));
}

t.test('of what is allowed one in so many has a line, which says so; all else is logged', async (t) => {
  const upstreams = { dead: await deadUrl() };
  const { gateway, issuer } = await startScene(t, { rules: [...rules], upstreams, log: { sample: 3 } });
  const headers = bearer(issuer.mint());
  for (let i = 1; i <= 7; i++) await gateway.request({ path: `/a${i}`, headers });
  for (let i = 1; i <= 2; i++) {
    await gateway.get('/none');
    await gateway.get('/reported');
    await gateway.get('/dead');
  }
  for (let i = 1; i <= 3; i++) await gateway.get('/open');
  const last = await gateway.get('/none');
  await gateway.line(last.header('x-request-id'));
  t.same(logged(gateway), [
    { path: '/a1', sampled: 3 },
    { path: '/a4', sampled: 3 },
    { path: '/a7', sampled: 3 },
    ...['/none', '/reported', '/dead', '/none', '/reported', '/dead'].map((path) => ({
      path,
      sampled: undefined,
    })),
    { path: '/open', sampled: 3 },
    { path: '/none', sampled: undefined },
  ]);
  const stoodFor = gateway.lines
    .filter(({ decision, status }) => decision === 'allow' && status === 200)
    .reduce((sum, { sampled }) => sum + Number(sampled), 0);
  t.equal(stoodFor, 12, 'of 10, short of one 3');
});

t.test('a reload brings another rate into force', async (t) => {
  const { gateway, issuer, echo } = await startScene(t, { log: { sample: 1_000_000 } });
  const config = {
    upstream: echo.url,
    issuers: [{ issuer: issuer.issuer, audience: issuer.audience }],
  };
  const headers = bearer(issuer.mint());
  const send = async (path: string) => void (await gateway.request({ path, headers }));
  await send('/a');
  await send('/b');
  t.same((await gateway.reload(config)).needsRestart, []);
  await send('/c');
  await send('/d');
  await gateway.lineWhere(({ path }) => path === '/d');
  t.same(logged(gateway), [
    { path: '/a', sampled: 1_000_000 },
    { path: '/c', sampled: undefined },
    { path: '/d', sampled: undefined },
  ]);
});
