import t, { type Test } from 'tap';
import type { Refused } from '../gateway/refusals.ts';
import { models } from '../path/models.ts';
import { ask, elsewhere, startTarget } from './harness.ts';
import { noPath, refusedTails, spellings } from './paths.ts';
import { areas } from './policy.ts';

// A path that the rules read in one way and the upstream in another, on every kind of rule, as a plain request and as a
// WebSocket handshake.

const handshake = [
  ...['Connection: Upgrade', 'Upgrade: websocket'],
  ...['Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='],
];
const transports: Readonly<Record<string, readonly string[]>> = { HTTP: [], WebSocket: handshake };

const target = await startTarget(t);
const token = target.mint();
const authorization = [`Authorization: Bearer ${token}`];

/**
 * Refused, without a byte to the upstream. Another gateway may clean the path up instead, if what it forwards, for no token
 * is sent, is open in the eyes of every server there is a model of.
 */
async function refuses(t: Test, name: string, bytes: string, reason: Refused): Promise<void> {
  if (!elsewhere) {
    await target.refuses(t, name, bytes, reason);
    return;
  }
  const before = target.upstream.seen.length;
  await target.send(bytes);
  for (const { target: path } of target.upstream.seen.slice(before)) {
    const [pathname = ''] = path.split('?');
    for (const [model, read] of Object.entries(models))
      t.match(read(pathname)[1], /^(?:public|optional)$/, `${name}: ${path} is open to ${model}`);
  }
}

for (const [transport, fields] of Object.entries(transports)) {
  t.test(`${transport}: a path that two parsers could read differently, whatever the rule`, async (t) => {
    for (const [reason, classes] of Object.entries(refusedTails)) {
      for (const [name, tails] of Object.entries(classes)) {
        for (const area of areas) {
          for (const tail of tails) {
            const bytes = ask(`GET ${area}${tail}`, ...fields);
            await refuses(t, `${name}: ${JSON.stringify(area + tail)}`, bytes, reason as Refused);
          }
        }
      }
    }
  });

  t.test(`${transport}: a target that is not a path`, async (t) => {
    for (const path of noPath) await refuses(t, path, ask(`GET ${path}`, ...fields), 'request_malformed');
  });

  t.test(`${transport}: no way leads from what is open to what is not`, async (t) => {
    const steps = [
      '..',
      '%2e%2e',
      '.%2e',
      '%2E.',
      '..;',
      '..%3b',
      '..%00',
      '%252e%252e',
      '%c0%ae%c0%ae',
      '..\\',
      '..%5c',
    ];
    for (const step of steps) {
      const paths = [
        `/public/${step}/required/x`,
        `/public/a/${step}/${step}/forbidden/x`,
        `/public//${step}/required/x`,
        `/public/${step}%2frequired/x`,
        `//public/${step}//required/x`,
        `/public/${step}/public/../required/x`,
        `/${step}/public/x`,
        `/required/${step}/public/x`,
      ];
      for (const path of paths) await refuses(t, path, ask(`GET ${path}`, ...fields), 'path_ambiguous');
    }
    // Canonical at once, or once slashes are merged and letters decoded: other paths, which need a token.
    const others = [
      '/required/x',
      '//required/x',
      '/%72equired/x',
      '/publicx',
      '/public%3bx',
      '///',
      '/x/public/y',
    ];
    for (const path of others) {
      await target.refuses(t, path, ask(`GET ${path}`, ...fields), 'token_missing');
      const hidden = `${path}?/../public/x&path=/public/x`;
      await target.refuses(t, hidden, ask(`GET ${hidden}`, ...fields), 'token_missing');
    }
  });

  t.test(`${transport}: the path that the rules matched is the path that the upstream gets`, async (t) => {
    for (const [spelling, canonical] of Object.entries(spellings)) {
      for (const area of areas) {
        const name = `${area}${spelling.slice(0, 60)}`;
        const anonymous = ask(`GET ${area}${spelling}`, ...fields);
        const signed = ask(`GET ${area}${spelling}`, ...fields, ...authorization);
        const passed = { target: area + canonical };
        const isOpen = area === '/public' || area === '/optional';
        if (isOpen) await target.allows(t, name, anonymous, passed);
        else await target.refuses(t, `${name}, no token`, anonymous, 'token_missing');
        if (area === '/forbidden') await target.refuses(t, `${name}, a token`, signed, 'scope_insufficient');
        else await target.allows(t, `${name}, a token`, signed, passed);
      }
      const [path = ''] = canonical.split('?');
      for (const [model, read] of Object.entries(models)) {
        t.strictSame(
          read(`/public${path}`),
          `/public${path}`.split('/').map(decodeURIComponent),
          `${canonical.slice(0, 60)} to ${model}`,
        );
      }
    }
  });
}

t.test('every method meets the same rules', async (t) => {
  const methods = [
    'GET',
    'HEAD',
    'POST',
    'PUT',
    'PATCH',
    'DELETE',
    'OPTIONS',
    'PROPFIND',
    'SEARCH',
    'LOCK',
    'M-SEARCH',
  ];
  for (const method of methods.filter((method) => method !== 'HEAD')) {
    await refuses(t, method, ask(`${method} /public/../required/x`), 'path_ambiguous');
    await target.refuses(t, method, ask(`${method} /required/x`), 'token_missing');
    await target.refuses(t, method, ask(`${method} /forbidden/x`, ...authorization), 'scope_insufficient');
  }
  for (const method of ['TRACE', 'CONNECT']) {
    for (const path of ['/public/x', '/required/x'])
      await target.refuses(t, method, ask(`${method} ${path}`, ...authorization), 'method_not_allowed');
  }
});
