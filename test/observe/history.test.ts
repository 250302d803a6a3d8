import t from 'tap';
import { createHistory } from '../../src/observe/history.ts';
import { createMetrics } from '../../src/observe/metrics.ts';

function begin() {
  const time = { elapsed: 500, now: Date.UTC(2026, 0, 1) };
  const metrics = createMetrics({ version: '0.0.0' });
  const cache = { hits: 0, misses: 0 };
  metrics.read({
    mode: () => 'enforce',
    openWebSockets: () => 0,
    cacheEntries: () => 0,
    cacheBytes: () => 0,
    cacheHits: () => cache.hits,
    cacheMisses: () => cache.misses,
    cacheEvictions: () => 0,
    blockedClients: () => 0,
    keySets: () => [],
  });
  const history = createHistory(metrics, { now: () => time.now, elapsed: () => time.elapsed });
  const pass = (seconds: number) => {
    time.elapsed += seconds * 1000;
    time.now += seconds * 1000;
  };
  const serve = (count: number) => {
    for (let i = 0; i < count; i++) {
      metrics.requests.of(i % 2 ? 'a' : 'b', 'GET', '200').value++;
      metrics.requestDuration.of(i % 2 ? 'a' : 'b').observe(0.0009);
    }
  };
  return { metrics, cache, history, pass, serve };
}

t.test('before anything has happened', async (t) => {
  const { history } = begin();
  t.match(await history.read(), {
    durationMs: 0,
    requests: 0,
    refused: 0,
    reported: 0,
    refusals: {},
    requestMs: null,
    upstreamMs: null,
    steps: [{ requests: 0, durationMs: 0 }],
    minutes: [{ requests: 0 }],
  });
});

t.test('what was counted, step by step', async (t) => {
  const { metrics, cache, history, pass, serve } = begin();
  serve(10);
  pass(10);
  await history.sample();
  serve(4);
  metrics.refusals.of('token_missing').value++;
  metrics.refusals.of('token_expired').value += 2;
  metrics.decisions.of('report', 'token_missing', 'none').value += 3;
  metrics.decisions.of('deny', 'token_missing', 'none').value += 9;
  metrics.upstreamDuration.of('default').observe(20);
  cache.hits = 6;
  cache.misses = 2;
  pass(6);
  const read = await history.read();
  t.match(read, {
    durationMs: 16_000,
    requests: 14,
    refused: 3,
    reported: 3,
    cacheHits: 6,
    cacheMisses: 2,
    requestMs: { p50: 0.5, p95: 0.95, p99: 0.99 },
    upstreamMs: { p99: 10_000 },
    endedAt: '2026-01-01T00:00:16.000Z',
  });
  t.strictSame(Object.keys(read.refusals), ['token_expired', 'token_missing'], 'the most frequent first');
  t.strictSame(
    read.steps.map(({ requests, durationMs, requestMs }) => [requests, durationMs, requestMs === null]),
    [
      [10, 10_000, false],
      [4, 6000, false],
    ],
  );
  t.strictSame(await history.read(), read, 'reading ends no step');
});

t.test('by rule, by issuer and by upstream, the busiest first', async (t) => {
  const { metrics, history, pass } = begin();
  const ask = (rule: string, status: string, times = 1) => {
    metrics.requests.of(rule, 'GET', status).value += times;
  };
  t.match(await history.read(), { rules: [], issuers: [], upstreams: [] });
  ask('a', '200', 100);
  metrics.decisions.of('allow', 'ok', 'https://old.example').value += 100;
  metrics.upstreamDuration.of('default').observe(5);
  pass(10);
  await history.sample();
  for (let i = 0; i < 90; i++) {
    pass(10);
    await history.sample();
  }
  t.match(await history.read(), { rules: [], issuers: [], upstreams: [] }, 'what is older is not counted');

  ask('a', '200');
  for (const status of ['401', '404', '301', '503', 'OTHER']) ask('__proto__', status);
  ask('toString', '502');
  metrics.decisions.of('allow', 'ok', 'https://idp.example').value += 5;
  metrics.decisions.of('deny', 'token_expired', 'https://idp.example').value += 2;
  metrics.decisions.of('deny', 'audience_mismatch', 'https://idp.example').value += 1;
  metrics.decisions.of('report', 'token_expired', 'none').value += 4;
  for (let i = 0; i < 100; i++) metrics.upstreamDuration.of('billing').observe(0.0009);
  pass(10);
  await history.sample();
  const { rules, issuers, upstreams } = await history.read();
  t.strictSame(rules, [
    { rule: '__proto__', requests: 5, clientErrors: 2, serverErrors: 1 },
    { rule: 'toString', requests: 1, clientErrors: 0, serverErrors: 1 },
    { rule: 'a', requests: 1, clientErrors: 0, serverErrors: 0 },
  ]);
  t.strictSame(issuers, [
    { issuer: 'https://idp.example', allowed: 5, reported: 0, denied: 3 },
    { issuer: 'none', allowed: 0, reported: 4, denied: 0 },
  ]);
  t.strictSame(upstreams, [
    { upstream: 'billing', answered: 100, answerMs: { p50: 0.5, p95: 0.95, p99: 0.99 } },
  ]);
});

t.test('a config with thousands of rules fills no memory', async (t) => {
  const { metrics, history, pass } = begin();
  for (let step = 0; step < 3; step++) {
    for (let i = 0; i < 3000; i++) metrics.requests.of(`rule-${i}`, 'GET', '200').value += i;
    pass(10);
    await history.sample();
  }
  const { rules } = await history.read();
  t.equal(rules.length, 100);
  t.match(rules[0], { rule: 'rule-2999', requests: 3 * 2999 });
});

t.test('a step that has just begun is shown with the one before it', async (t) => {
  const { history, pass, serve } = begin();
  serve(10);
  pass(10);
  await history.sample();
  serve(1);
  pass(1);
  const { steps, requests } = await history.read();
  t.match(steps, [{ requests: 11, durationMs: 11_000 }]);
  t.equal(requests, 11);
});

t.test('it looks back for fifteen minutes', async (t) => {
  const { history, pass, serve } = begin();
  serve(1000);
  for (let i = 0; i < 100; i++) {
    pass(10);
    await history.sample();
    serve(1);
  }
  const { steps, minutes, requests, durationMs } = await history.read();
  t.equal(steps.length, 90);
  t.equal(durationMs, 900_000);
  t.equal(requests, 91, 'what is older is not counted');
  t.equal(minutes.length, 15);
  t.match(minutes[0], { requests: 6, durationMs: 60_000 });
  t.match(minutes.at(-1), { requests: 7 });
});

t.test('counts that go back are none', async (t) => {
  const { cache, history, pass } = begin();
  cache.hits = 5;
  await history.sample();
  cache.hits = 0;
  pass(10);
  await history.sample();
  t.equal((await history.read()).cacheHits, 5);
});

t.test('readings and samples at the same time count nothing twice', async (t) => {
  const { history, pass, serve } = begin();
  serve(5);
  pass(10);
  const [read] = await Promise.all([history.read(), history.sample(), history.read()]);
  t.equal(read.requests, 5);
  t.equal((await history.read()).requests, 5);
});

t.test('it keeps no process alive, and ends', async (t) => {
  const { history } = begin();
  const before = process.getActiveResourcesInfo().filter((each) => each === 'Timeout').length;
  history.start();
  t.equal(process.getActiveResourcesInfo().filter((each) => each === 'Timeout').length, before);
  history.close();
});
