import fc from 'fast-check';
import t from 'tap';
import { isRefusal } from '../../src/errors.ts';
import { compileCanonical } from '../../src/path/canonical.ts';
import { compileRules, type RuleOptions, type RulesOptions } from '../../src/rules/compile.ts';
import type { Ambiguity } from '../../src/rules/match.ts';
import { defaults, rule } from './rule.ts';

type Given = string | (Partial<RuleOptions> & { path: string });

/** The path of the rule that decides, `none`, or what the path is refused for. */
function decide(rules: readonly Given[], path: string, options: Partial<RulesOptions> = {}, method = 'GET') {
  const every = { ...defaults, ...options };
  const target = compileCanonical(every.paths)(path);
  if (isRefusal(target)) return `refused: ${target.refused}`;
  const table = compileRules(
    rules.map((each) => rule(typeof each === 'string' ? { path: each } : each)),
    every,
  );
  const found = table.match(method, target.match);
  if (found === null) return 'none';
  if (!isRefusal(found)) return found.rule.pattern === undefined ? '' : nameOf(rules[found.rule.index]);
  const name = (each: typeof found.near) => (each === null ? 'none' : nameOf(rules[each.index]));
  return `${name(found.written)} or ${name(found.near)}`;
}

function nameOf(given: Given | undefined): string {
  return typeof given === 'string' ? given : (given?.path ?? '');
}

const admin = ['/admin/*', '/public/*', '/t/:id', '/exact'];

t.test('guarded: a path that would meet another rule is ambiguous', async (t) => {
  const cases: Readonly<Record<string, readonly [path: string, outcome: string]>> = {
    'the path itself': ['/admin/x', '/admin/*'],
    'another case': ['/ADMIN/x', 'none or /admin/*'],
    'another case of one letter': ['/admiN', 'none or /admin/*'],
    'a Turkish capital letter': ['/adm%C4%B0n/x', 'none or /admin/*'],
    'a Turkish small letter': ['/adm%c4%b1n', 'none or /admin/*'],
    'a combining dot': ['/admi%CC%87n', 'none or /admin/*'],
    'full-width letters': ['/%EF%BD%81dmin', 'none or /admin/*'],
    'an invisible character': ['/ad%E2%80%8Bmin/x', 'none or /admin/*'],
    'a soft hyphen': ['/ad%C2%ADmin', 'none or /admin/*'],
    'a dot at the end': ['/admin./x', 'none or /admin/*'],
    'a dot at the very end': ['/admin.', 'none or /admin/*'],
    'a dot before it': ['/.admin', 'none or /admin/*'],
    'a blank at the end': ['/admin%20', 'none or /admin/*'],
    'a blank before it': ['/%20admin/x', 'none or /admin/*'],
    'a no-break space': ['/admin%C2%A0/x', 'none or /admin/*'],
    'an ideographic full stop': ['/admin%E3%80%82', 'none or /admin/*'],
    'a blank segment before it': ['/%20/admin', 'none or /admin/*'],
    'an invisible segment before it': ['/%E2%80%8B/admin', 'none or /admin/*'],
    'a blank segment behind it': ['/exact/%20', 'none or /exact'],
    'a full-width slash': ['/admin%EF%BC%8Fx', 'none or /admin/*'],
    'a full-width backslash': ['/admin%EF%BC%BCx', 'none or /admin/*'],
    'a division slash': ['/admin%E2%88%95x', 'none or /admin/*'],
    'a full-width semicolon': ['/admin%EF%BC%9Bx', 'none or /admin/*'],
    'a Greek question mark': ['/admin%CD%BEx', 'none or /admin/*'],
    'a full-width question mark': ['/admin%EF%BC%9Fx', 'none or /admin/*'],
    'a full-width number sign': ['/exact%EF%BC%83x/y', 'none or /exact'],
    'a twice encoded letter': ['/%2561dmin', 'none or /admin/*'],
    'a twice encoded capital letter': ['/%2541dmin', 'none or /admin/*'],
    'the stream of a file': ['/exact::$DATA', 'none or /exact'],
    'the stream of a file in lower case': ['/exact::$data', 'none or /exact'],
    'the stream of a file with its escapes': ['/exact%3A%3A%24data', 'none or /exact'],
    'the index of a folder': ['/admin:$I30:$INDEX_ALLOCATION/x', 'none or /admin/*'],
    'another case before a full-width slash, one segment deep': ['/T/a%EF%BC%8Fb', 'none or /t/:id'],
    'another case before a blank segment': ['/T/%20', 'none or /t/:id'],
    'another case before an invisible segment': ['/T/%E2%80%8B', 'none or /t/:id'],
    'a parameter that is split': ['/t/a%EF%BC%8Fb', '/t/:id or none'],
    'a parameter that is dropped': ['/t/%20', '/t/:id or none'],
    'a name that is like no rule': ['/ADMINS/x', 'none'],
    'full-width letters where no rule is near': ['/%EF%BC%A1%EF%BC%A2', 'none'],
    'full-width letters below a rule': ['/public/%EF%BC%A1%EF%BC%A2', '/public/*'],
    'a full-width slash below a rule': ['/public/a%EF%BC%8Fb', '/public/*'],
    'a blank name below a rule': ['/public/%20', '/public/*'],
    'dots and blanks at the ends of names below a rule': ['/public/.a%20/b./', '/public/*'],
    'a parameter in any case': ['/t/Admin.', '/t/:id'],
    'a parameter with a question mark of another script': ['/t/a%EF%BC%9Fb', '/t/:id'],
    'a verb behind a colon': ['/t/x:$y', '/t/:id'],
    'an escaped semicolon is data': ['/admin%3Bx', 'none'],
    'an escaped question mark is data': ['/admin%3Fx', 'none'],
  };
  for (const [name, [path, outcome]] of Object.entries(cases)) {
    t.equal(decide(admin, path), outcome, name);
    const written = outcome.split(' or ')[0];
    t.equal(
      decide(admin, path, { case: 'sensitive' }),
      written,
      `${name}: sensitive goes by what is written`,
    );
  }
});

t.test('guarded: an encoded slash that is allowed stays in its segment', async (t) => {
  const options = { paths: { ...defaults.paths, encodedSlashes: 'allow' } } as const;
  t.equal(decide(['/p/a/b', '/p/*'], '/p/a%2Fb', options), '/p/*');
  t.equal(decide(['/p/a%2Fb', '/p/*'], '/p/A%2fB', options), '/p/* or /p/a%2Fb');
  t.equal(decide(['/p/a%2Fb', '/p/*'], '/p/a%EF%BC%8Fb', options), '/p/* or /p/a%2Fb');
});

t.test('guarded: rules that are written in capital letters', async (t) => {
  const rules = ['/API/v1/:id', '/API/*', '/straße', '/Ünï/*', '/.well-known/*'];
  const cases: Readonly<Record<string, string>> = {
    '/API/x': '/API/*',
    '/API/v1/7': '/API/v1/:id',
    '/API/V1/7': '/API/* or /API/v1/:id',
    '/api/x': 'none or /API/*',
    '/Api': 'none or /API/*',
    '/stra%C3%9Fe': '/straße',
    '/strasse': 'none or /straße',
    '/STRASSE': 'none or /straße',
    '/stra%E1%BA%9Ee': 'none or /straße',
    '/%C3%9Cn%C3%AF/x': '/Ünï/*',
    '/%C3%BCn%C3%AF/x': 'none or /Ünï/*',
    '/U%CC%88ni%CC%88/x': 'none or /Ünï/*',
    '/.well-known/x': '/.well-known/*',
    '/well-known/x': 'none or /.well-known/*',
    '/other': 'none',
  };
  for (const [path, outcome] of Object.entries(cases)) t.equal(decide(rules, path), outcome, path);
});

t.test('guarded: only rules for the method count', async (t) => {
  const rules = [
    { path: '/a', methods: ['GET'] },
    { path: '/A', methods: ['POST'] },
  ];
  t.equal(decide(rules, '/a'), '/a');
  t.equal(decide(rules, '/A'), 'none or /a');
  t.equal(decide(rules, '/A', {}, 'POST'), '/A');
  t.equal(decide(rules, '/a', {}, 'POST'), 'none or /A');
  t.equal(decide(rules, '/A', {}, 'PUT'), 'none');
});

t.test('guarded: an earlier rule that takes it in any reading decides', async (t) => {
  t.equal(decide(['/*', '/admin'], '/ADMIN'), '/*');
  t.equal(decide(['/:any', '/admin'], '/Admin'), '/:any');
  t.equal(decide(['/admin', '/*'], '/ADMIN'), '/* or /admin');
  t.equal(decide(['/admin', '/:any'], '/ADMIN'), '/:any or /admin');
});

t.test('guarded: where a slash at the end counts', async (t) => {
  const options = { trailingSlash: 'strict' } as const;
  t.equal(decide(['/a'], '/a/', options), 'none');
  t.equal(decide(['/a/'], '/a/%20', options), 'none or /a/');
  t.equal(decide(['/a'], '/A/', options), 'none');
  t.equal(decide(['/a/'], '/A/', options), 'none or /a/');
});

t.test('insensitive: rules match in any case, and are guarded against all else', async (t) => {
  const options = { case: 'insensitive' } as const;
  const cases: Readonly<Record<string, string>> = {
    '/ADMIN/x': '/admin/*',
    '/adm%C4%B0n': '/admin/*',
    '/ADM%C4%B1N': '/admin/*',
    '/EXACT': '/exact',
    '/T/X': '/t/:id',
    '/admin.': 'none or /admin/*',
    '/ADMIN%20/x': 'none or /admin/*',
    '/%EF%BD%81dmin': 'none or /admin/*',
    '/Exact::$DATA': 'none or /exact',
    '/PUBLIC/A.': '/public/*',
    '/other': 'none',
  };
  for (const [path, outcome] of Object.entries(cases)) t.equal(decide(admin, path, options), outcome, path);
  const german = ['/straße', '/ﬁn', '/ΟΔΟΣ'];
  for (const path of ['/STRASSE', '/stra%E1%BA%9Ee', '/strasse', '/Stra%C5%BFSe'])
    t.equal(decide(german, path, options), '/straße', path);
  t.equal(decide(german, '/FIN', options), '/ﬁn');
  t.equal(decide(german, encodeURI('/οδος'), options), '/ΟΔΟΣ');
  t.equal(decide(german, encodeURI('/οδοσ'), options), '/ΟΔΟΣ');
});

t.test('rules match both spellings of a reserved character', async (t) => {
  for (const path of ["/a+b:c,d@e!f$g&h'i(j)k*l=m", '/a%2Bb%3Ac%2Cd%40e%21f%24g%26h%27i%28j%29k%2al%3dm']) {
    t.equal(decide(["/a+b:c,d@e!f$g&h'i%28j%29k%2Al=m"], path), "/a+b:c,d@e!f$g&h'i%28j%29k%2Al=m", path);
    const escaped = '/a%2Bb%3Ac%2Cd%40e%21f%24g%26h%27i%28j%29k%2Al%3Dm';
    t.equal(decide([escaped], path), escaped, path);
  }
  t.equal(decide(['/%3Aid'], '/:id'), '/%3Aid');
  t.equal(decide(['/%3Aid'], '/%3aid'), '/%3Aid');
  t.equal(decide(['/%3Aid'], '/7'), 'none');
});

t.test('parameters are decoded, however they were spelled', async (t) => {
  const table = compileRules([rule({ path: '/t/:tenant' })], defaults);
  for (const path of ['/t/a%2Bb%20C', '/t/a+b%20C']) {
    const target = compileCanonical(defaults.paths)(path);
    const found = isRefusal(target) ? null : table.match('GET', target.match);
    t.strictSame({ ...(found as { params?: object }).params }, { tenant: 'a+b C' }, path);
  }
});

t.test(
  'property: no spelling of a path that a lenient server reads alike is decided by another rule',
  async (t) => {
    const name = fc.constantFrom(
      'admin',
      'Admin',
      'api',
      'kiss',
      'straße',
      'a.b',
      '.x',
      'office',
      'v2',
      'x:y',
    );
    const segment = fc.oneof({ weight: 3, arbitrary: name }, { weight: 1, arbitrary: fc.constant(':') });
    const pattern = fc
      .record({
        segments: fc.array(segment, { minLength: 1, maxLength: 3 }),
        end: fc.constantFrom('', '/*', '/'),
      })
      .map(
        ({ segments, end }) =>
          `/${segments.map((each, at) => (each === ':' ? `:p${at}` : each)).join('/')}${end}`,
      );
    const rules = fc.array(
      fc.record({ path: pattern, methods: fc.constantFrom(null, null, ['GET'], ['POST']) }),
      { minLength: 1, maxLength: 6 },
    );
    const mutations: Readonly<Record<string, (text: string) => string>> = {
      same: (text) => text,
      upper: (text) => text.toUpperCase(),
      lower: (text) => text.toLowerCase(),
      turkish: (text) => text.replace(/i/gi, 'İ'),
      dotless: (text) => text.replace(/i/gi, 'ı'),
      kelvin: (text) => text.replace(/k/gi, '\u212a').replace(/s/g, 'ſ'),
      sharp: (text) => text.replace('ß', 'ẞ'),
      ligature: (text) => text.replace('ffi', 'ﬃ'),
      wide: (text) => text.replace(/[!-~]/g, (each) => String.fromCharCode(each.charCodeAt(0) + 0xfee0)),
      superscript: (text) => text.replace('2', '²'),
      invisible: (text) => `${text.slice(0, 1)}\u200b${text.slice(1)}`,
      dotted: (text) => `${text}.`,
      blank: (text) => ` ${text}\u00a0`,
      stream: (text) => `${text}::$DATA`,
      twice: (text) => text.replace(/[a-z]/, (each) => `%${each.charCodeAt(0).toString(16)}`),
      ellipsis: (text) => `${text}…`,
    };
    const outcomes = new Map<string, number>();
    const property = fc.property(
      rules,
      fc.array(fc.oneof(name, fc.constant('other')), { minLength: 1, maxLength: 4 }),
      fc.array(fc.constantFrom(...Object.keys(mutations)), { minLength: 4, maxLength: 4 }),
      fc.constantFrom('GET', 'POST'),
      fc.constantFrom('guarded' as const, 'insensitive' as const),
      (rules, names, applied, method, mode) => {
        const options: RulesOptions = { ...defaults, case: mode };
        const table = compileRules(
          rules.map((each) => rule(each)),
          options,
        );
        const ask = (segments: readonly string[]) => {
          const target = compileCanonical(options.paths)(`/${segments.map(encodeURIComponent).join('/')}`);
          return isRefusal(target) ? target : table.match(method, target.match);
        };
        const meant = ask(names);
        const sent = ask(
          names.map((each, at) => (mutations[applied[at] ?? 'same'] as (text: string) => string)(each)),
        );
        const outcome = sent === null ? 'none' : isRefusal(sent) ? 'refused' : 'rule';
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        if (sent !== null && isRefusal(sent)) return true;
        // Where the path itself is ambiguous, its lenient readings are those of the rule that it was too near to.
        const wanted = meant !== null && isRefusal(meant) ? (meant as Ambiguity).near : (meant?.rule ?? null);
        return (sent?.rule ?? null) === wanted;
      },
    );
    fc.assert(property, { numRuns: 20_000 });
    for (const outcome of ['none', 'refused', 'rule'])
      t.ok((outcomes.get(outcome) ?? 0) > 100, `${outcome}: ${outcomes.get(outcome)}`);
  },
);
