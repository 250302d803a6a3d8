import t from 'tap';
import type { Explanation } from '../../src/explain/explain.ts';
import { listChecks } from '../../src/explain/steps.ts';
import { renderPage } from '../../src/page/render.ts';
import { concludeState } from '../../src/page/state.ts';
import type { Status } from '../../src/status.ts';
import { issuer, past, quiet, well } from './status.ts';

/** What a reader sees, without markup; each piece of text after a space. */
function seen(status: Partial<Status>, explanation: Explanation | null = null): string {
  return renderPage({ ...well, ...status }, explanation)
    .replace(/<(style|script)>.*?<\/\1>/gs, '')
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ');
}

const denied: Explanation = {
  allowed: false,
  decision: 'deny',
  reason: 'audience_mismatch',
  status: 401,
  method: 'GET',
  path: '/orders/42',
  rule: { name: 'orders', auth: 'required', upstream: 'default' },
  issuer: issuer.issuer,
  steps: listChecks('audience', 'audience_mismatch', {
    rule: { hint: 'a remark' },
    audience: { expected: 'api://orders', got: 'api://billing', hint: 'for another' },
  }),
};

t.test('the sentence at the top', async (t) => {
  const never = { ...issuer, state: 'never' as const };
  const keys = { code: 'keys_unavailable', detail: '', issuer: issuer.issuer };
  const cases: readonly { name: string; status: Partial<Status>; tone: string; says: RegExp }[] = [
    { name: 'all is well', status: {}, tone: 'good', says: /^Ready to verify tokens of https:\/\/idp/ },
    { name: 'several', status: { issuers: [issuer, issuer] }, tone: 'good', says: /of 2 issuers\.$/ },
    {
      name: 'no keys yet',
      status: { ready: false, reasons: [keys] },
      tone: 'bad',
      says: /^Not ready because the keys of https:\/\/idp\S+ could not be fetched yet/,
    },
    {
      name: 'leaving',
      status: { ready: false, phase: 'leaving', reasons: [{ code: 'draining', detail: '' }] },
      tone: 'bad',
      says: /^Not ready because this sidecar is shutting down/,
    },
    {
      name: 'leaving, and no keys',
      status: { ready: false, reasons: [{ code: 'draining', detail: '' }, keys] },
      tone: 'bad',
      says: /shutting down/,
    },
    {
      name: 'one without keys',
      status: { issuers: [issuer, never] },
      tone: 'bad',
      says: /^Ready, but tokens of .* 503/,
    },
    {
      name: 'one past maxStale',
      status: { issuers: [{ ...issuer, state: 'expired' }] },
      tone: 'bad',
      says: /^Ready, but tokens/,
    },
    {
      name: 'one stale',
      status: { issuers: [{ ...issuer, state: 'stale' }] },
      tone: 'warn',
      says: /^Ready, but the keys of .* could not be refreshed/,
    },
    { name: 'report mode', status: { mode: 'report' }, tone: 'warn', says: /^Ready in report mode/ },
  ];
  for (const { name, status, tone, says } of cases) {
    const state = concludeState({ ...well, ...status });
    t.equal(state.tone, tone, name);
    t.match(`${state.word} ${state.sentence}`, says, name);
  }
});

t.test('what the page shows', async (t) => {
  const busy = {
    ...quiet,
    requests: 1200,
    refused: 30,
    reported: 4,
    cacheHits: 900,
    cacheMisses: 100,
    requestMs: { p50: 1.5, p95: 12, p99: 2500 },
  };
  const error = { code: 'status', message: 'https://idp.example.com/jwks answered 503' };
  const row = {
    rule: 'orders',
    reason: 'token_expired',
    issuer: 'none',
    who: '192.0.2.x',
    count: 7,
    lastSeen: well.now,
  };
  const cases: readonly { name: string; status: Partial<Status>; says: readonly (string | RegExp)[] }[] = [
    {
      name: 'the process',
      status: {},
      says: ['1.2.3', '26.10.0', /Up for 2 h/, /enforce, for 2 h/, /Open WebSockets 2/],
    },
    {
      name: 'an issuer',
      status: {},
      says: [/Fresh\./, /Keys 1/, /Last fetched 3 min ago/, /in 7 min/, 'RS256, PS256', 'k1', 'thumb-1'],
    },
    {
      name: 'a stale one',
      status: { issuers: [{ ...issuer, state: 'stale', ageMs: 3_600_000, lastError: error }] },
      says: [/serve for 23 h more/, /maxStale is 1 d/, error.message],
    },
    {
      name: 'an expired one',
      status: { issuers: [{ ...issuer, state: 'expired' }] },
      says: [/Past maxStale\./, /503/],
    },
    {
      name: 'one without keys',
      status: { issuers: [{ ...issuer, state: 'never', keys: [], lastSuccess: null, nextRefreshMs: null }] },
      says: [/No keys\./, /Last fetched never/, /Next fetch under way/],
    },
    {
      name: 'a cache file',
      status: { issuers: [{ ...issuer, fromCacheFile: true }] },
      says: ['from keys.cacheFile'],
    },
    {
      name: 'a skipped key, and one without kid',
      status: {
        issuers: [
          {
            ...issuer,
            keys: [{ kid: null, thumbprint: 't', type: 'EC', algorithms: ['ES256'] }],
            skipped: [{ kid: 'enc', why: 'it is for encryption' }],
          },
        ],
      },
      says: [
        /Key id Algorithms Type Thumbprint none ES256/,
        '1 published key cannot be used',
        'enc it is for encryption',
      ],
    },
    {
      name: 'traffic',
      status: { history: { ...past(busy), refusals: { token_expired: 20, token_missing: 10 } } },
      says: [
        /120 a second now/,
        '900 of 1,000 tokens',
        'Half took at most 1.5 ms, 95 % at most 12 ms, 99 % at most 2.5 s.',
        /token_expired 20/,
      ],
    },
    { name: 'no traffic', status: {}, says: ['Nothing was refused.', 'No token came.', 'No request came.'] },
    {
      name: 'blocked clients',
      status: {
        failureLimit: {
          clients: 40,
          blocked: 33,
          blockedClients: [{ client: '203.0.113.x', until: '2026-11-25T12:05:00.000Z' }],
        },
      },
      says: [
        /203\.0\.113\.x 12:05:00 UTC, in 5 min/,
        'And 32 other clients.',
        '40 clients with forged tokens',
      ],
    },
    {
      name: 'no failure limit',
      status: { failureLimit: null },
      says: ['The failure limit is switched off.'],
    },
    { name: 'the cache', status: {}, says: ['3 of at most 10,000', '4 KiB of at most 32 MiB', '90 (90 %)'] },
    {
      name: 'no cache',
      status: { tokenCache: { ...well.tokenCache, maxEntries: 0 } },
      says: ['The cache is switched off'],
    },
    { name: 'the config', status: {}, says: ['sidecar.yaml', 'none since the start'] },
    {
      name: 'a reload that failed, and settings that wait',
      status: {
        config: {
          ...well.config,
          needsRestart: ['listen.port'],
          lastReload: { at: '2026-11-25T11:59:00.000Z', result: 'failure', faults: ['upstream: is missing'] },
        },
      },
      says: ['failed , 1 min ago', 'upstream: is missing', 'A restart is needed for 1 setting: listen.port'],
    },
    {
      name: 'report mode',
      status: {
        mode: 'report',
        reporting: { exceptions: ['strict'], rows: [row], forgotten: 3 },
        history: past(busy),
      },
      says: [
        'Report mode: refusals are not enforced Since 2026-11-25 10:00:00 UTC',
        'Only rule strict enforce',
        '4 of 1,200 requests in the last 15 minutes would have been refused (0.3 %)',
        /orders token_expired none 192\.0\.2\.x 7 just now/,
        '3 older rows made room',
      ],
    },
    {
      name: 'one rule that reports',
      status: { reporting: { exceptions: ['trial'], rows: [], forgotten: 0 } },
      says: ['Some rules only report', 'What rule trial would refuse', 'Nothing yet since the start.'],
    },
  ];
  for (const { name, status, says } of cases) {
    const text = seen(status);
    for (const each of says) {
      t.ok(typeof each === 'string' ? text.includes(each) : each.test(text), `${name}: ${each}`);
    }
  }
  t.notMatch(seen({}), /report mode|would have been refused/i, 'nothing of report mode where there is none');
});

t.test('an explanation, step by step', async (t) => {
  const text = seen({}, denied);
  for (const each of [
    'It is denied: 401 audience_mismatch — The token is meant for another audience.',
    'GET /orders/42',
    'Passed a rule decides Hint a remark',
    'Failed it is for this audience Reason audience_mismatch Expected api://orders Got api://billing Hint for another',
    'Not reached it has the required claims',
  ])
    t.ok(text.includes(each), each);
  t.equal(text.match(/Passed|Failed|Not reached/g)?.length, denied.steps.length, 'every step');
  const reported = { ...denied, decision: 'report' as const };
  t.match(seen({}, reported), /Reported It is refused \(audience_mismatch\), but forwarded/);
  const allowed = {
    ...denied,
    decision: 'allow' as const,
    reason: 'ok' as const,
    steps: listChecks(null, null, {}),
  };
  t.match(seen({}, allowed), /Allowed Every check/);
  const odd = seen({}, { ...denied, method: 'EYJHBGCI', rule: null, issuer: null });
  t.match(odd, /another method \/orders/);
  t.notMatch(odd, 'EYJHBGCI', 'what is no method could be anything');
});

t.test('no text can become markup', async (t) => {
  const evil = `"><script>alert('1')</script><img src=x onerror=alert(1)>&lt;`;
  /** Puts the text in the place of every other, however deep. */
  const poison = (value: unknown): unknown => {
    if (typeof value === 'string') return evil;
    if (Array.isArray(value)) return value.map(poison);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, poison(each)]));
  };
  const full: Status = {
    ...well,
    issuers: [{ ...issuer, skipped: [{ kid: 'a', why: 'b' }], lastError: { code: 'a', message: 'b' } }],
    failureLimit: { clients: 1, blocked: 1, blockedClients: [{ client: 'a', until: well.now }] },
    config: { ...well.config, needsRestart: ['a'] },
    reporting: {
      exceptions: ['a'],
      rows: [{ rule: 'a', reason: 'b', issuer: 'c', who: 'd', count: 1, lastSeen: well.now }],
      forgotten: 0,
    },
  };
  const poisoned = poison(full) as Status;
  const status: Status = {
    ...poisoned,
    // What the code looks up, and moments.
    mode: 'report',
    now: well.now,
    modeSince: well.now,
    history: { ...past(quiet), refusals: { [evil]: 1 } },
    issuers: poisoned.issuers.map((each) => ({ ...each, state: 'stale' })),
    failureLimit: { clients: 1, blocked: 1, blockedClients: [{ client: evil, until: well.now }] },
    config: { ...poisoned.config, lastReload: { at: well.now, result: 'failure', faults: [evil] } },
    reporting: {
      ...poisoned.reporting,
      rows: poisoned.reporting.rows.map((row) => ({ ...row, lastSeen: well.now })),
    },
  };
  const steps = denied.steps.map((step) => ({ ...step, expected: evil, got: evil, hint: evil }));
  const explanation = {
    ...denied,
    steps,
    path: evil,
    issuer: evil,
    rule: { name: evil, auth: 'required', upstream: evil } as const,
  };
  const text = renderPage(status, explanation);
  t.equal(text.match(/<script/g)?.length, 1, 'no script but our own');
  t.notMatch(text, /<img|alert\('|"><script|onerror=alert\(1\)>/);
  const shown = text.match(/&quot;&gt;&lt;script&gt;alert\(&#39;1&#39;\)&lt;\/script&gt;/g)?.length ?? 0;
  t.ok(shown > 30, `and all of it is shown as it is: ${shown} times`);
  t.notMatch(text, /\sstyle=|\son\w+="|javascript:/i, 'nothing that the content security policy would stop');
});

t.test('headings in order, labels for every field, ids once', async (t) => {
  const text = renderPage(
    { ...well, mode: 'report', reporting: { exceptions: [], rows: [], forgotten: 0 } },
    denied,
  );
  const levels = [...text.matchAll(/<h([1-6])/g)].map(([, level]) => Number(level));
  levels.forEach((level, index) => {
    t.ok(level <= (levels[index - 1] ?? 0) + 1, `heading ${index} is of level ${level}`);
  });
  const ids = [...text.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id);
  t.strictSame(ids, [...new Set(ids)]);
  for (const [, name] of text.matchAll(/<(?:input|select|textarea) id="(\w+)"/g)) {
    t.ok(text.includes(`<label for="${name}">`), `${name} has a label`);
  }
  for (const [, id] of text.matchAll(/aria-(?:labelledby|describedby)="([^"]+)"/g))
    t.ok(ids.includes(id), `${id} is there`);
  for (const [head] of text.matchAll(/<th[\s>][^>]*/g)) t.match(head, /scope="(row|col)"/);
});
