import t from 'tap';
import { bearing, ownConfig, startTarget } from './harness.ts';

// Verdicts that are kept: none may answer for another token, another rule or another time.

const target = await startTarget(t);

/** The same token but for a letter of the signature all of whose bits count. */
function twinOf(token: string): string {
  return `${token.slice(0, -2)}${token.at(-2) === 'A' ? 'B' : 'A'}${token.slice(-1)}`;
}

t.test('one token many times', async (t) => {
  const token = target.mint();
  for (let i = 0; i < 20; i++) await target.allows(t, `time ${i}`, bearing(token));
});

t.test('two tokens that differ in one letter, in both orders', async (t) => {
  for (const order of ['good first', 'bad first']) {
    const good = target.mint();
    const bad = twinOf(good);
    const steps = order === 'good first' ? [good, bad, good, bad] : [bad, good, bad, good];
    for (const [at, token] of steps.entries()) {
      const name = `${order}, step ${at}`;
      if (token === good) await target.allows(t, name, bearing(token));
      else await target.refuses(t, name, bearing(token), 'signature_invalid');
    }
  }
});

t.test('one token on rules with different needs, in both orders', async (t) => {
  const paths = ['/public/x', '/optional/x', '/required/x', '/forbidden/x', '/unmatched/x'];
  for (const order of [paths, [...paths].reverse()]) {
    const token = target.mint();
    for (const path of [...order, ...order]) {
      if (path !== '/forbidden/x') await target.allows(t, path, bearing(token, path));
      else await target.refuses(t, path, bearing(token, path), 'scope_insufficient');
    }
  }
});

t.test('a good token and its twin at once, on as many connections', async (t) => {
  for (let round = 0; round < 5; round++) {
    const good = target.mint();
    const tokens = Array.from({ length: 20 }, (_, at) => (at % 2 === 0 ? good : twinOf(good)));
    const before = target.upstream.seen.length;
    const answers = await Promise.all(tokens.map((token) => target.send(bearing(token))));
    t.strictSame(
      answers.map(({ status }) => status),
      tokens.map((token) => (token === good ? 200 : 401)),
      'each has its own answer',
    );
    t.equal(target.upstream.seen.length, before + 10, 'and the upstream saw the good ones');
  }
});

t.test('a good token and its twin in one packet, on one connection', async (t) => {
  const good = target.mint();
  const tokens = [good, twinOf(good), good, twinOf(good), target.mint({ key: target.keys.rs512 }), good];
  const before = target.upstream.seen.length;
  const raw = await target.connect();
  await raw.send(tokens.map((token) => bearing(token)).join(''));
  const statuses: number[] = [];
  while (statuses.length < tokens.length) statuses.push((await raw.response()).status);
  t.strictSame(statuses, [200, 401, 200, 401, 401, 200]);
  t.equal(target.upstream.seen.length, before + 3);
});

t.test('a verdict ends with its key, and a refusal is not kept', ownConfig, async (t) => {
  const token = target.mint();
  await target.allows(t, 'while the key is published', bearing(token));
  const unknown = bearing(target.mint({ header: { kid: 'unknown, so that the gateway looks for keys' } }));
  target.issuer.publish([target.keys.es256.publicJwk]);
  await target.refuses(t, 'which shows that it is gone', unknown, 'key_unknown');
  await target.refuses(t, 'the token that was good', bearing(token), 'key_unknown');
  target.issuer.publish([target.keys.rs256.publicJwk, target.keys.es256.publicJwk]);
  await target.refuses(t, 'which shows that it is back', unknown, 'key_unknown');
  await target.allows(t, 'the token once more', bearing(token));
});

t.test('a verdict ends with the policy that it was given under', ownConfig, async (t) => {
  const token = target.mint();
  await target.allows(t, 'under the first policy', bearing(token));
  await target.reload({ trust: { audience: 'api://other' } });
  await target.refuses(t, 'with another audience', bearing(token), 'audience_mismatch');
  await target.reload({});
  await target.allows(t, 'under the first policy again', bearing(token));
});
