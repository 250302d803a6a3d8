import t from 'tap';
import { checkLookAlikes } from '../../src/config/check-look-alikes.ts';
import { completeConfig } from '../../src/config/complete.ts';
import type { Config, ConfigInput } from '../../src/config/schema.ts';

const least = {
  upstream: 'http://127.0.0.1:3000',
  issuers: [{ issuer: 'https://idp.example.com', audience: 'api://orders' }],
} satisfies ConfigInput;
const { config: complete } = completeConfig(least);

type Rule = string | { readonly path: string; readonly methods: readonly string[] };

function check(rules: readonly Rule[], paths: Partial<Config['paths']> = {}): readonly string[] {
  const { faults, warnings } = checkLookAlikes({
    ...complete,
    paths: { ...complete.paths, ...paths },
    rules: rules.map((each) => ({
      methods: null,
      ...(typeof each === 'string' ? { path: each } : each),
    })) as never,
  });
  return [
    ...faults.map(({ path, message }) => `fault ${path.join('.')} ${message}`),
    ...warnings.map(({ path, message }) => `warning ${path.join('.')} ${message}`),
  ];
}

const twin = /^fault rules\.1\.path differs from the path of rules\[0\] in nothing but case/;

t.test('two rules that differ in nothing that counts are a fault', async (t) => {
  const cases: Readonly<Record<string, readonly [Rule, Rule]>> = {
    case: ['/admin/*', '/Admin/*'],
    'full-width letters': ['/admin', '/ａｄｍｉｎ'],
    'a Turkish letter': ['/admin', '/adm%C4%B1n'],
    'a letter of German': ['/straße/:x', '/STRASSE/:y'],
    'a dot at the end': ['/admin/*', '/admin./*'],
    'a blank at the end': ['/admin', '/admin%20'],
    'what cannot be seen': ['/admin', '/ad%C2%ADmin'],
    'a slash at the end, where it counts for nothing': ['/admin', '/Admin/'],
    'case, for one method of both': [
      { path: '/a', methods: ['GET', 'POST'] },
      { path: '/A', methods: ['POST'] },
    ],
    'case, for one method and all': ['/a', { path: '/A', methods: ['POST'] }],
    'case, for GET and HEAD': [
      { path: '/a', methods: ['GET'] },
      { path: '/A', methods: ['HEAD'] },
    ],
  };
  for (const [name, rules] of Object.entries(cases)) {
    for (const mode of ['guarded', 'insensitive'] as const) {
      const [said, ...more] = check(rules, { case: mode });
      t.match(said, twin, `${name}: ${mode}`);
      t.strictSame(more, [], `${name}: nothing else is said`);
    }
    t.strictSame(check(rules, { case: 'sensitive' }), [], `${name}: sensitive`);
  }
});

t.test('rules that differ in something that counts are none', async (t) => {
  const cases: Readonly<Record<string, readonly Rule[]>> = {
    'the same path twice': ['/admin', '/admin'],
    'both spellings of a reserved character': ['/a+b', '/a%2Bb'],
    'another name': ['/admin', '/admins'],
    'an open one and an exact one': ['/Admin', '/admin/*'],
    'one with a parameter': ['/Admin/x', '/admin/:id'],
    'other methods': [
      { path: '/a', methods: ['GET'] },
      { path: '/A', methods: ['POST'] },
    ],
    'dots within': ['/a.b', '/ab'],
    'no rules': [],
    'a rule whose path is a fault of its own': ['/a', 'A', '/../A'],
  };
  for (const [name, rules] of Object.entries(cases)) t.strictSame(check(rules), [], name);
  t.strictSame(check(['/a', '/A/'], { trailingSlash: 'strict' }), [], 'a slash at the end, where it counts');
});

t.test('a rule that no request can meet in every reading is a fault', async (t) => {
  for (const path of [
    '/a/%20/b',
    '/%E3%80%80',
    '/a%EF%BC%8Fb',
    '/a%EF%BC%BCb/*',
    '/a%EF%BC%9Bb',
    '/%E2%80%8B',
  ]) {
    t.match(check([path])[0], /^fault rules\.0\.path .*every request for it is refused/, path);
    t.strictSame(check([path], { case: 'sensitive' }), [], `${path}: sensitive`);
  }
});

t.test('a rule behind one that a lenient server finds first is warned about', async (t) => {
  const never = /^warning rules\.1 never decides: .* would find rules\[0\] first/;
  t.match(check(['/api/*', '/API/v1/*'])[0], never);
  t.match(check(['/:any', '/API', '/api'])[0] ?? '', /^$|rules\.2/, 'not where the first takes it exactly');
  t.match(check(['/api/:id/*', '/API/v1'])[0], never);
  t.match(check(['/api/*', { path: '/API/x', methods: ['GET', 'PUT'] }])[0], never);
  for (const rules of [
    ['/API/v1/*', '/api/*'],
    ['/api/*', '/api/v1/*'],
    ['/api/:x/*', '/API/*'],
    ['/api/:x/:y', '/API/*'],
    [{ path: '/api/*', methods: ['GET'] }, '/API/x'],
    [
      { path: '/api/*', methods: ['GET'] },
      { path: '/API/x', methods: ['GET', 'PUT'] },
    ],
  ])
    t.strictSame(check(rules), [], JSON.stringify(rules));
});

t.test('it is part of the check of every config', async (t) => {
  try {
    completeConfig({ ...least, rules: [{ path: '/a' }, { path: '/A' }] });
    t.fail('the config is taken');
  } catch (error) {
    t.match(error, {
      faults: [{ path: 'rules[1].path', message: /in nothing but case/, hint: /case: sensitive/ }],
    });
  }
});

t.test('ten thousand rules are looked at once each', async (t) => {
  const rules = Array.from({ length: 10_000 }, (_, index) => `/Service-${index}/:tenant/*`);
  t.strictSame(check(rules), []);
});
