import fc from 'fast-check';
import t from 'tap';
import { Client } from 'undici';
import { isRefusal } from '../../src/errors.ts';
import { compileCanonical } from '../../src/path/canonical.ts';
import { startEcho } from '../helpers/echo.ts';
import { startGateway } from '../helpers/gateway.ts';
import { startFakeIssuer } from '../helpers/issuer.ts';

const quiet = { log: { level: 'silent' } } as const;

t.test('no mutation of a valid token passes', async (t) => {
  const issuer = await startFakeIssuer(t);
  const echo = await startEcho(t);
  const gateway = await startGateway(t, {
    upstream: echo.url,
    issuers: [{ issuer: issuer.issuer, audience: issuer.audience }],
    failureLimit: null,
    ...quiet,
  });
  const client = new Client(gateway.url);
  t.teardown(() => client.close());
  const token = issuer.mint();
  const send = async (text: string) => {
    const { statusCode, body } = await client.request({
      path: '/',
      method: 'GET',
      headers: { authorization: `Bearer ${text}` },
    });
    await body.dump();
    return statusCode;
  };
  t.equal(await send(token), 200);
  const character = fc.constantFrom(...'ABCXYZabcxyz0189-_.=+/~');
  const mutation = fc
    .tuple(fc.nat(token.length - 1), character, fc.constantFrom('replace', 'insert', 'delete'))
    .map(([at, letter, kind]) => {
      if (kind === 'delete') return token.slice(0, at) + token.slice(at + 1);
      return token.slice(0, at) + letter + token.slice(kind === 'insert' ? at : at + 1);
    });
  await fc.assert(
    fc.asyncProperty(mutation, async (mutated) => mutated === token || (await send(mutated)) === 401),
    { numRuns: 1500 },
  );
  t.equal(echo.seen.length, 1, 'and the upstream saw none of them');
});

t.test('the path that the rules matched is the path that the upstream gets', async (t) => {
  const issuer = await startFakeIssuer(t);
  const echo = await startEcho(t);
  const options = { duplicateSlashes: 'merge', encodedSlashes: 'reject', parameters: 'reject' } as const;
  const gateway = await startGateway(t, {
    upstream: echo.url,
    issuers: [{ issuer: issuer.issuer, audience: issuer.audience }],
    rules: [{ path: '/public/*', auth: 'none' }],
    ...quiet,
  });
  const client = new Client(gateway.url);
  t.teardown(() => client.close());
  const canonical = compileCanonical(options);
  const piece = fc.constantFrom(
    '/',
    '//',
    'public',
    'admin',
    '.',
    '..',
    '%2e',
    '%2E%2e',
    '%2f',
    '%5c',
    '\\',
    ';x=1',
    '%3b',
    '%252e',
    '%00',
    'a',
    '%41',
    '%c3%a9',
    '%c0%af',
    '%zz',
    '{',
    '?',
    '?a=%2e',
    '*',
    ':',
    '@',
  );
  const begin = fc.constantFrom('/', '/public/', '/public/a/');
  const target = fc
    .tuple(begin, fc.array(piece, { maxLength: 5 }))
    .map(([first, pieces]) => first + pieces.join(''));
  let forwarded = 0;
  await fc.assert(
    fc.asyncProperty(target, async (path) => {
      const before = echo.seen.length;
      const { statusCode, body } = await client.request({ path, method: 'GET' });
      await body.dump();
      const seen = echo.seen.slice(before);
      const wanted = canonical(path);
      if (isRefusal(wanted)) return statusCode === 400 && seen.length === 0;
      const open = wanted.match === '/public' || wanted.match.startsWith('/public/');
      // Nothing that the pieces make is like the rule in another way than by case, blanks and dots.
      const near = /^\/\.*public\.*(?:\/|$)/i.test(wanted.match);
      if (near && !open) return statusCode === 400 && seen.length === 0;
      if (!open) return statusCode === 401 && seen.length === 0;
      forwarded++;
      return statusCode === 200 && seen.length === 1 && seen[0]?.url === wanted.path + wanted.query;
    }),
    {
      numRuns: 1500,
      examples: [
        ['/public/../admin'],
        ['/public/%2e%2e/admin'],
        ['/public//x?a=//b'],
        ['/PUBLIC/x'],
        ['/public./x'],
        ['/public%2b'],
        ['/public/a%2bb+c'],
      ],
    },
  );
  t.ok(forwarded > 10, `${forwarded} of them were forwarded`);
});

t.test('no spelling of an identity header reaches the upstream', async (t) => {
  const issuer = await startFakeIssuer(t);
  const echo = await startEcho(t);
  const gateway = await startGateway(t, {
    upstream: echo.url,
    issuers: [{ issuer: issuer.issuer, audience: issuer.audience }],
    rules: [
      { path: '/none/*', auth: 'none' },
      { path: '/optional/*', auth: 'optional' },
      { path: '/report/*', mode: 'report', scopes: ['none:such'] },
    ],
    ...quiet,
  });
  const client = new Client(gateway.url);
  t.teardown(() => client.close());
  const token = issuer.mint({ claims: { client_id: undefined } });
  const letters = [...'X-Verified-Subject'].map((letter) =>
    letter === '-'
      ? fc.constantFrom('-', '_', '.', '~', '!')
      : fc.constantFrom(letter.toLowerCase(), letter.toUpperCase()),
  );
  const name = fc.tuple(...letters).map((all) => all.join(''));
  const path = fc.constantFrom('/none/x', '/optional/x', '/report/x', '/required/x');
  const withToken = fc.boolean();
  await fc.assert(
    fc.asyncProperty(name, path, withToken, async (spelling, path, carries) => {
      const before = echo.seen.length;
      const headers: string[] = [
        spelling,
        'root',
        'X-Verified-Client-Id',
        'root',
        'Connection',
        `close, ${spelling}`,
      ];
      if (carries) headers.push('Authorization', `Bearer ${token}`);
      // undici owns Connection; a nominated name is a case of its own, below.
      const { body } = await client.request({
        path,
        method: 'GET',
        headers: headers.filter((_, i) => i < 4 || i >= 6),
      });
      await body.dump();
      return echo.seen.slice(before).every(({ rawHeaders }) => !rawHeaders.includes('root'));
    }),
    { numRuns: 400 },
  );
  const raw = await gateway.raw();
  await raw.send(
    `GET /required/x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\nConnection: close, X-Verified-Subject\r\nConnection: x-verified-issuer\r\nX-Verified-Subject: root\r\n\r\n`,
  );
  t.equal((await raw.response()).status, 200);
  const last = echo.seen.at(-1)?.rawHeaders ?? [];
  t.notOk(last.includes('root'));
  t.equal(
    last[last.indexOf('X-Verified-Subject') + 1],
    'subject',
    'ours are set after what Connection takes away',
  );
  t.equal(last[last.indexOf('X-Verified-Issuer') + 1], issuer.issuer);
});
