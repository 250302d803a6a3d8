import t from 'tap';
import type { ConfigInput } from '../../src/config/schema.ts';
import { startEcho } from '../helpers/echo.ts';
import { startGateway } from '../helpers/gateway.ts';
import { startFakeIssuer } from '../helpers/issuer.ts';
import { request } from '../helpers/request.ts';
import { assertRefused } from './scene.ts';

/** Members of every object and of every function: a plain object seems to have them as keys. */
const names = [
  '__proto__',
  'constructor',
  'hasOwnProperty',
  'isPrototypeOf',
  'prototype',
  'toLocaleString',
  'toString',
  'valueOf',
];

/** An object with a key of its own, whatever the key is called. */
function entry<T>(name: string, value: T): Readonly<Record<string, T>> {
  return Object.fromEntries([[name, value]]);
}

for (const name of names) {
  t.test(`${name} is a name like any other, wherever a config has names`, async (t) => {
    const [issuer, echo] = await Promise.all([startFakeIssuer(t), startEcho(t)]);
    const trust = {
      issuer: issuer.issuer,
      audience: [issuer.audience, name],
      requiredClaims: [name],
      claims: entry(name, { exists: true }),
    };
    // With the same keys: how alike two of them are must not be asked of the names in them.
    const other = { ...structuredClone(trust), issuer: `${issuer.issuer}/b` };
    const rule = { claims: entry(name, { equals: `{${name}}` }), upstream: name };
    const config: ConfigInput = {
      upstream: { url: echo.url, setHeaders: entry(`${name}-a`, name) },
      upstreams: entry(name, { url: echo.url, setHeaders: entry(name, 'set') }),
      issuers: [trust, other],
      token: {
        sources: [{ type: 'bearer' }, { type: 'cookie', name }, { type: 'header', name: `${name}-t` }],
      },
      identity: { headers: { ...entry(`${name}-h`, name), 'X-User': 'sub' }, stripHeaders: [`${name}-s`] },
      rules: [
        { ...rule, name, path: `/a/:${name}` },
        { ...rule, name: 'b', path: `/b/:${name}` },
        { ...rule, path: `/c/:${name}`, scopes: [name] },
        { path: `/${name}`, claims: entry(name, { equals: 'other' }) },
        { path: `/${name}/b`, claims: entry(name, { equals: 'other' }) },
      ],
      unmatched: 'deny',
    };
    const gateway = await startGateway(t, config);
    const token = issuer.mint({ claims: entry(name, 'x') });
    if (name === '__proto__') {
      assertRefused(t, 'no token may have this one', await gateway.get('/a/x', token), 'token_malformed');
      await gateway.reload({ ...config, log: { subject: 'none' } });
      return;
    }
    for (const round of ['at the start', 'after a reload']) {
      t.equal((await gateway.get('/a/x', token)).status, 200, round);
      const headers = (echo.seen.at(-1)?.rawHeaders ?? []).map((each) => each.toLowerCase());
      t.equal(headers[headers.indexOf(`${name}-h`.toLowerCase()) + 1], 'x', 'the identity header');
      t.equal(headers[headers.indexOf(name.toLowerCase()) + 1], 'set', 'the header that is set');
      assertRefused(t, 'another value', await gateway.get('/a/y', token), 'rule_denied');
      assertRefused(t, 'its scope', await gateway.get('/c/x', token), 'scope_insufficient');
      assertRefused(t, 'its path', await gateway.get(`/${name}`, token), 'rule_denied');
      assertRefused(t, 'no claim', await gateway.get('/a/x', issuer.mint()), 'claim_missing');
      for (const path of ['/', '/metrics', '/api/status'])
        t.equal((await request(gateway.admin, { path })).status, 200, path);
      await gateway.server.explain({ token, path: '/a/y' });
      await gateway.reload({ ...config, log: { subject: round === 'at the start' ? 'none' : 'plain' } });
    }
  });
}
