import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, readdirSync, statSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { createCacheFile } from '../../src/keys/cache-file.ts';
import { type FakeIssuer, startFakeIssuer } from '../helpers/issuer.ts';
import { down, hour, minute, testKeySet } from './key-set.ts';

const jwks = { keys: [{ kty: 'EC' }] };

t.test('what is written is read again, and nothing else', async (t) => {
  const path = join(t.testdir({}), 'keys.json');
  const cache = createCacheFile({ path, issuer: 'https://a.example', source: 'discovery', maxSize: 1000 });
  t.equal(await cache.read(), undefined, 'there is none yet');
  await cache.write({ document: jwks, date: 1234 });
  t.same(await cache.read(), { document: jwks, date: 1234 });
  t.equal(statSync(path).mode & 0o777, 0o600);
  await cache.write({ document: { keys: [] }, date: 5678 });
  t.same(await cache.read(), { document: { keys: [] }, date: 5678 });
  t.same(readdirSync(join(path, '..')), ['keys.json'], 'nothing is left beside it');
});

t.test('what cannot be believed is not', async (t) => {
  const whole = { issuer: 'https://a.example', source: 'discovery', fetchedAt: '2026-01-01T00:00:00Z', jwks };
  const cases: Readonly<Record<string, string>> = {
    'another issuer': JSON.stringify({ ...whole, issuer: 'https://b.example' }),
    'a prefix of the issuer': JSON.stringify({ ...whole, issuer: 'https://a.example/' }),
    'another source': JSON.stringify({ ...whole, source: 'https://a.example/old' }),
    'no source': JSON.stringify({ ...whole, source: undefined }),
    'cut short': JSON.stringify(whole).slice(0, -5),
    'not JSON': 'keys',
    'no time': JSON.stringify({ ...whole, fetchedAt: 'yesterday' }),
    'a time that is a number': JSON.stringify({ ...whole, fetchedAt: 0 }),
    'no object': '[]',
    null: 'null',
    empty: '',
    'too large': JSON.stringify({ ...whole, more: 'x'.repeat(10_000) }),
  };
  const folder = t.testdir(cases);
  for (const name of Object.keys(cases)) {
    const cache = createCacheFile({
      path: join(folder, name),
      issuer: 'https://a.example',
      source: 'discovery',
      maxSize: 1000,
    });
    await t.rejects(cache.read(), { name: 'FetchError', message: /^cacheFile / }, name);
  }
});

t.test('one that somebody else may have written is not believed', async (t) => {
  const path = join(t.testdir({}), 'keys.json');
  const cache = createCacheFile({ path, issuer: 'https://a.example', source: 'discovery', maxSize: 1000 });
  await cache.write({ document: jwks, date: 0 });
  for (const mode of [0o666, 0o602, 0o620, 0o660, 0o777, 0o622]) {
    chmodSync(path, mode);
    const expected = { code: 'cache_invalid', message: /its group or others may write it/ };
    await t.rejects(cache.read(), expected, mode.toString(8));
  }
  for (const mode of [0o600, 0o644, 0o640, 0o400, 0o755]) {
    chmodSync(path, mode);
    t.same(await cache.read(), { document: jwks, date: 0 }, mode.toString(8));
  }
});

t.test('one that belongs to another user is not believed, and one of root is', async (t) => {
  const path = join(t.testdir({}), 'keys.json');
  const cache = createCacheFile({ path, issuer: 'https://a.example', source: 'discovery', maxSize: 1000 });
  await cache.write({ document: jwks, date: 0 });
  const user = process.geteuid as () => number;
  const as = async (uid: number) => {
    process.geteuid = () => uid;
    return cache.read().finally(() => {
      process.geteuid = user;
    });
  };
  if (user() === 0) {
    t.same(await as(65_532), { document: jwks, date: 0 }, 'a file of root, read by another user');
    chownSync(path, 65_532, 65_532);
    t.same(await as(65_532), { document: jwks, date: 0 }, 'a file of the user itself');
  }
  await t.rejects(as(4711), { code: 'cache_invalid', message: /belongs to another user/ });
});

t.test('what is no file of its own is not believed, and keeps nobody waiting', async (t) => {
  const folder = t.testdir({ 'real.json': '' });
  const at = (name: string) => join(folder, name);
  const real = createCacheFile({
    path: at('real.json'),
    issuer: 'https://a.example',
    source: 'discovery',
    maxSize: 1000,
  });
  await real.write({ document: jwks, date: 0 });
  symlinkSync(at('real.json'), at('link'));
  symlinkSync(at('nowhere'), at('dangling'));
  symlinkSync('/dev/zero', at('device'));
  execFileSync('mkfifo', [at('fifo')]);
  // A socket's path must be short.
  const socket = join(tmpdir(), `cache-file-${process.pid}`);
  const server = createServer().listen(socket);
  await once(server, 'listening');
  t.teardown(() => server.close());
  const cases = {
    link: /symbolic link/,
    dangling: /symbolic link/,
    device: /symbolic link/,
    fifo: /not a regular file/,
    [socket]: /not a regular file/,
    '/dev/zero': /not a regular file/,
    '/dev/null': /not a regular file/,
    '.': /not a regular file/,
  };
  for (const [name, message] of Object.entries(cases)) {
    const path = name.startsWith('/') ? name : at(name);
    const cache = createCacheFile({ path, issuer: 'https://a.example', source: 'discovery', maxSize: 1000 });
    await t.rejects(cache.read(), { code: 'cache_invalid', message }, name);
  }
  for (const name of ['link', 'dangling', 'fifo']) {
    const cache = createCacheFile({
      path: at(name),
      issuer: 'https://a.example',
      source: 'discovery',
      maxSize: 1000,
    });
    await cache.write({ document: { keys: [name] }, date: 1 });
    t.same(
      await cache.read(),
      { document: { keys: [name] }, date: 1 },
      `${name}: the next write takes its place`,
    );
  }
  t.same(await real.read(), { document: jwks, date: 0 }, 'and what the link pointed to is left alone');
});

t.test('what cannot be written leaves the one before', async (t) => {
  const folder = t.testdir({ 'keys.json': { folder: {} } });
  for (const path of [join(folder, 'keys.json'), join(folder, 'nowhere', 'keys.json')]) {
    const cache = createCacheFile({ path, issuer: 'https://a.example', source: 'discovery', maxSize: 1000 });
    await t.rejects(cache.write({ document: jwks, date: 0 }), { code: 'file_unwritable' }, path);
  }
  t.same(readdirSync(folder), ['keys.json'], 'nothing is left beside it');
});

/** A key set of an issuer, with a cache file. */
function cached(t: Test, issuer: FakeIssuer, cacheFile: string, keys = {}) {
  return testKeySet(t, { issuer: issuer.issuer, jwksUri: issuer.jwksUri, keys: { cacheFile, ...keys } });
}

/** Lets a key set of an issuer fetch, and write its cache file. */
async function fill(t: Test, issuer: FakeIssuer, cacheFile: string): Promise<void> {
  const { set, cachedNext } = testKeySet(t, {
    issuer: issuer.issuer,
    jwksUri: issuer.jwksUri,
    keys: { cacheFile },
  });
  const next = cachedNext();
  await set.start();
  t.match(await next, { action: 'write', error: undefined });
  set.close();
}

t.test('the keys outlive a restart during an outage', async (t) => {
  const issuer = await startFakeIssuer(t, { algorithms: ['ES256'] });
  const file = join(t.testdir({}), 'keys.json');
  const { kid } = issuer.signingKey;
  await fill(t, issuer, file);

  issuer.respond(down);
  const after = cached(t, issuer, file);
  after.time.advance(hour);
  await after.set.start();
  t.equal(await after.found('ES256', kid), kid);
  t.match(after.cached, [{ action: 'read', ageMs: hour, error: undefined }]);
  t.match(after.set.status(), {
    state: 'stale',
    ageMs: hour,
    fromCacheFile: true,
    lastError: { code: 'status' },
  });
  after.time.advance(23 * hour);
  t.equal(await after.found('ES256', kid), kid, 'as long as maxStale has it');
  after.time.advance(1);
  t.equal(await after.found('ES256', kid), 'keys_unavailable', 'counted from when they were fetched');
});

t.test('an issuer that answers is believed, not the file', async (t) => {
  const issuer = await startFakeIssuer(t, { algorithms: ['ES256'] });
  const file = join(t.testdir({}), 'keys.json');
  const old = issuer.signingKey.kid;
  await fill(t, issuer, file);
  await issuer.rotate({ keepOld: false });
  const { kid } = issuer.signingKey;
  const { set, found, cached: said, cachedNext } = cached(t, issuer, file);
  const next = cachedNext();
  await set.start();
  await next;
  t.match(said, [{ action: 'write' }]);
  t.equal(await found('ES256', kid), kid);
  t.equal(await found('ES256', old), 'key_unknown');

  issuer.respond(down);
  const later = cached(t, issuer, file);
  await later.set.start();
  t.equal(await later.found('ES256', old), 'keys_unavailable', 'a withdrawn key does not come back');
  issuer.respond();
  const written = later.cachedNext();
  await later.advanceToFetch(minute);
  await written;
  t.match(later.set.status(), { state: 'fresh', fromCacheFile: false });
});

t.test('a file that cannot be used is said, and all is as without it', async (t) => {
  const issuer = await startFakeIssuer(t, { algorithms: ['ES256'] });
  const other = await startFakeIssuer(t, { algorithms: ['ES256'] });
  const folder = t.testdir({ damaged: '{"issuer":', folder: {} });
  await fill(t, other, join(folder, 'other'));
  await fill(t, issuer, join(folder, 'old'));
  issuer.respond(down);
  for (const name of ['damaged', 'folder', 'other', 'missing/file']) {
    const { set, found, cached: said } = cached(t, issuer, join(folder, name));
    await set.start();
    t.equal(await found('ES256', issuer.signingKey.kid), 'keys_unavailable', name);
    if (name !== 'missing/file') t.match(said, [{ action: 'read', error: { message: /^cacheFile/ } }], name);
  }
  for (const [name, move] of Object.entries({ 'too old': 25 * hour, 'of the future': -2 * minute })) {
    const { set, found, time, cached: said } = cached(t, issuer, join(folder, 'old'));
    time.step(move);
    await set.start();
    t.equal(await found('ES256', issuer.signingKey.kid), 'keys_unavailable', name);
    t.match(said, [{ error: { code: 'cache_invalid' } }], name);
  }
  issuer.respond();
  const { set, found, cachedNext } = cached(t, issuer, join(folder, 'missing/file'));
  const next = cachedNext();
  await set.start();
  t.match(await next, { action: 'write', error: { code: 'file_unwritable' } });
  t.equal(await found('ES256', issuer.signingKey.kid), issuer.signingKey.kid, 'it serves all the same');
});

t.test('keys that are weaker than the config now allows are not taken from the file', async (t) => {
  const issuer = await startFakeIssuer(t, { algorithms: ['RS256'] });
  const file = join(t.testdir({}), 'keys.json');
  await fill(t, issuer, file);
  issuer.respond(down);
  const { set, found } = testKeySet(t, {
    issuer: issuer.issuer,
    jwksUri: issuer.jwksUri,
    algorithms: ['ES256'],
    keys: { cacheFile: file },
  });
  await set.start();
  t.equal(await found('RS256', issuer.signingKey.kid), 'keys_unavailable');
});

t.test('keys of a source that the config has left do not come back', async (t) => {
  const issuer = await startFakeIssuer(t, { algorithms: ['ES256'] });
  const file = join(t.testdir({}), 'keys.json');
  await fill(t, issuer, file);
  issuer.respond(down);
  const moved = { issuer: issuer.issuer, jwksUri: `${issuer.url}/moved`, keys: { cacheFile: file } };
  const { set, found, cached: said } = testKeySet(t, moved);
  await set.start();
  t.equal(await found('ES256', issuer.signingKey.kid), 'keys_unavailable');
  t.match(said, [{ action: 'read', error: { code: 'cache_invalid' } }]);
});

t.test('a set that has been closed writes no more', async (t) => {
  const issuer = await startFakeIssuer(t, { algorithms: ['ES256'] });
  const file = join(t.testdir({}), 'keys.json');
  let release = () => {};
  const asked = new Promise<void>((resolve) => {
    issuer.respond((_request, _response, next) => {
      release = next;
      resolve();
    });
  });
  const { set, cached: said } = cached(t, issuer, file);
  const started = set.start();
  await asked;
  set.close();
  release();
  await started;
  issuer.respond();
  // Whatever the closed one would have written comes before what another writes.
  await fill(t, issuer, join(file, '..', 'other.json'));
  t.same([said, existsSync(file)], [[], false]);
});
