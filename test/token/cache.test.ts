import t from 'tap';
import { forge } from '../helpers/forge.ts';
import { makeKey, type TestKey } from '../helpers/key.ts';
import { audience, heldClock, holdKeys, issuer, makeVerifier, verdictOf } from './verifier.ts';

const seconds = 1_800_000_000;
let count = 0;
function sign(key: TestKey, more: object = {}): string {
  const payload = {
    iss: issuer,
    aud: audience,
    sub: 'alice',
    jti: String(count++),
    exp: seconds + 60,
    ...more,
  };
  return forge({ header: { alg: key.alg, kid: key.kid }, payload, alg: key.alg, key: key.privateKey });
}

t.test('a verdict holds while its clock, its age, its key and its issuer say so', async (t) => {
  const key = await makeKey();
  const { finder, held } = holdKeys([key]);
  const clock = heldClock(seconds * 1000);
  const verifier = makeVerifier(finder, clock.read, {}, { maxAge: 10_000 });
  const token = sign(key, { nbf: seconds });
  t.equal(verifier.cached(token), undefined);
  await verifier.verify(token, null);
  t.equal(verifier.cached(token)?.prepared, 'alice');
  clock.wall = seconds * 1000 - 1;
  t.equal(verifier.cached(token), undefined, 'a clock that stepped back before nbf');
  clock.wall = seconds * 1000;
  t.ok(verifier.cached(token));
  finder.isUsable = false;
  t.equal(verifier.cached(token), undefined, 'keys too old');
  finder.isUsable = true;
  t.ok(verifier.cached(token));
  clock.monotonic = 10_000;
  t.equal(verifier.cached(token), undefined, 'too old itself');
  await verifier.verify(token, null);
  clock.wall = seconds * 1000 + 10_000;
  t.equal(verifier.cached(token), undefined, 'too old by the wall clock, as after a sleep of the machine');
  await verifier.verify(token, null);
  clock.wall = (seconds + 60) * 1000;
  t.equal(verifier.cached(token), undefined, 'expired');
  clock.wall = seconds * 1000;
  t.equal(verifier.cached(token), undefined, 'for good, whatever the clock does next');
  await verifier.verify(token, null);
  for (const each of held) each.withdrawn = true;
  t.equal(verifier.cached(token), undefined, 'its key withdrawn');
  t.equal(verifier.stats().entries, 0);
});

t.test('a verification that began before a withdrawal is not served after it', async (t) => {
  let release = () => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const key = await makeKey();
  const { finder, held } = holdKeys([key], gate);
  const verifier = makeVerifier(finder, heldClock(seconds * 1000).read);
  const token = sign(key);
  const verdict = verifier.verify(token, null);
  for (const each of held) each.withdrawn = true;
  verifier.dropWithdrawn();
  release();
  t.equal(verdictOf(await verdict), 'key_unknown');
  t.equal(verifier.cached(token), undefined);
});

t.test('bounded, by entries and by bytes', async (t) => {
  const key = await makeKey();
  const { finder } = holdKeys([key]);
  const clock = heldClock(seconds * 1000);
  const few = makeVerifier(finder, clock.read, {}, { maxEntries: 3 });
  const kept = sign(key);
  await few.verify(kept, null);
  for (let i = 0; i < 10; i++) {
    t.ok(few.cached(kept), 'what is used stays');
    await few.verify(sign(key), null);
  }
  t.equal(few.stats().entries, 3);
  t.equal(few.stats().evictions, 8);
  const small = makeVerifier(finder, clock.read, {}, { maxBytes: 5000 });
  for (let i = 0; i < 10; i++) await small.verify(sign(key), null);
  t.ok(small.stats().bytes <= 5000 && small.stats().entries > 0);
  const off = makeVerifier(finder, clock.read, {}, { maxEntries: 0 });
  await off.verify(kept, null);
  t.equal(off.cached(kept), undefined, '0 switches it off');
});

t.test('two tokens that differ in one character are two tokens', async (t) => {
  const key = await makeKey();
  const { finder } = holdKeys([key]);
  const verifier = makeVerifier(finder, heldClock(seconds * 1000).read);
  const token = sign(key);
  const last = token.at(-1) === 'A' ? 'Q' : 'A';
  for (let i = 0; i < 20; i++) {
    t.equal(verdictOf(await verifier.verify(token, null)), 'ok');
    t.equal(verifier.cached(token.slice(0, -1) + last), undefined);
    t.not(verdictOf(await verifier.verify(token.slice(0, -1) + last, null)), 'ok');
  }
});
