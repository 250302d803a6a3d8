import t from 'tap';
import { completeConfig } from '../../src/config/complete.ts';
import type { ConfigInput } from '../../src/config/schema.ts';
import { nameUrl } from '../../src/keys/name-url.ts';
import { checkOnline } from '../../src/online.ts';
import { startEcho } from '../helpers/echo.ts';
import { startGateway } from '../helpers/gateway.ts';
import { startFakeIssuer } from '../helpers/issuer.ts';
import { request } from '../helpers/request.ts';

t.test('the query of a URL that keys are fetched from shows nowhere', async (t) => {
  const [issuer, echo] = await Promise.all([startFakeIssuer(t), startEcho(t)]);
  const keys = JSON.stringify({ keys: issuer.keys.map(({ publicJwk }) => publicJwk) });
  issuer.respond((asked, response, next) =>
    asked.url === '/jwks?key=hunter2' ? response.end(keys) : next(),
  );
  const from = (name: string, jwksUri: string) => ({ issuer: name, audience: issuer.audience, jwksUri });
  const config: ConfigInput = {
    upstream: echo.url,
    issuers: [
      from(issuer.issuer, `${issuer.url}/jwks?key=hunter2`),
      from('https://absent.example', `${issuer.url}/absent?key=hunter2#hunter2`),
      from('https://dead.example', 'http://127.0.0.1:1/keys?key=hunter2'),
      from('https://plain.example', 'https://127.0.0.1:1/keys?key=hunter2'),
    ],
    log: { level: 'trace' },
  };
  const gateway = await startGateway(t, config);
  t.equal((await gateway.get('/', issuer.mint())).status, 200, 'though it is sent');
  const paths = ['/', '/metrics', '/api/status', '/readyz'];
  const said = await Promise.all(paths.map((path) => request(gateway.admin, { path })));
  const status = said[2]?.json() as { issuers: { source: string }[] };
  t.equal(status.issuers[0]?.source, `${issuer.url}/jwks`);
  for (const [index, { text }] of said.entries()) t.notMatch(text, 'hunter2', `${paths[index]}`);
  t.notMatch(JSON.stringify(gateway.lines), 'hunter2', 'the log');
  const online = await checkOnline({ config: completeConfig(config).config, proxy: null });
  t.equal(online.filter(({ ok }) => !ok).length, 3);
  t.notMatch(JSON.stringify(online), 'hunter2', 'check --online');
});

t.test('a URL as it may be shown', async (t) => {
  const cases: Readonly<Record<string, string>> = {
    'https://a.example/keys': 'https://a.example/keys',
    'https://a.example': 'https://a.example/',
    'https://a.example:8443/keys?key=hunter2#hunter2': 'https://a.example:8443/keys',
    'https://user:hunter2@a.example/keys': 'https://a.example/keys',
    'https://hunter2@[::1]:1/': 'https://[::1]:1/',
    'https://a.example/service@a/keys?x': 'https://a.example/service@a/keys',
    'no url?hunter2': 'no url',
    '//user:hunter2@a/b#hunter2': '//a/b',
    'http://user:hunter2@a:99999/b?hunter2': 'http://a:99999/b',
  };
  for (const [text, shown] of Object.entries(cases)) t.equal(nameUrl(text), shown, text);
});
