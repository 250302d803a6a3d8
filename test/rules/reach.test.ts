import fc from 'fast-check';
import t from 'tap';
import { foldSegment } from '../../src/path/fold.ts';
import { compileRule, compileRules, type RuleOptions, type RulesOptions } from '../../src/rules/compile.ts';
import { nobody, Reach } from '../../src/rules/reach.ts';
import { defaults, find, rule } from './rule.ts';

type Some = Partial<RuleOptions> & { path: string };

function reachOf(rules: readonly Some[], options: RulesOptions) {
  const compiled = rules.map((each, index) => compileRule(rule(each), index, options));
  const key = options.case === 'insensitive' ? foldSegment : (literal: string) => literal;
  return { compiled, reach: new Reach(compiled, { key, trailingSlash: options.trailingSlash }) };
}

function decidersOf(rules: readonly Some[], options: RulesOptions = defaults): (readonly number[] | null)[] {
  const { compiled, reach } = reachOf(rules, options);
  return compiled.map((each) => reach.findDeciders(each));
}

t.test('which rules are never reached, and who decides instead', async (t) => {
  const strict: RulesOptions = { ...defaults, trailingSlash: 'strict' };
  const anyCase: RulesOptions = { ...defaults, case: 'insensitive' };
  const get = { methods: ['GET'] };
  const cases: Readonly<
    Record<string, { rules: readonly Some[]; last: readonly number[] | null; options?: RulesOptions }>
  > = {
    'a rule alone': { rules: [{ path: '/a' }], last: null },
    'the same path': { rules: [{ path: '/a' }, { path: '/a' }], last: [0] },
    'the same path with a slash': { rules: [{ path: '/a' }, { path: '/a/' }], last: [0] },
    'that says something': { rules: [{ path: '/a' }, { path: '/a/' }], last: null, options: strict },
    'below an open one': { rules: [{ path: '/a/*' }, { path: '/a/b/c' }], last: [0] },
    'the folder itself': { rules: [{ path: '/a/*' }, { path: '/a' }], last: [0] },
    'the folder with its slash': { rules: [{ path: '/a/*' }, { path: '/a/' }], last: [0], options: strict },
    'open below an open one': { rules: [{ path: '/a/*' }, { path: '/a/:x/*' }], last: [0] },
    'open above an open one': { rules: [{ path: '/a/b/*' }, { path: '/a/*' }], last: null },
    everything: { rules: [{ path: '/*' }, { path: '/' }], last: [0] },
    'a neighbor': { rules: [{ path: '/a/*' }, { path: '/ab' }], last: null },
    'a parameter for a literal': { rules: [{ path: '/a/:x' }, { path: '/a/b' }], last: [0] },
    'a literal for a parameter': { rules: [{ path: '/a/b' }, { path: '/a/:x' }], last: null },
    'another name': { rules: [{ path: '/a/:x' }, { path: '/a/:y' }], last: [0] },
    crossed: { rules: [{ path: '/:x/b' }, { path: '/a/:y' }], last: null },
    'where they cross': { rules: [{ path: '/:x/b' }, { path: '/a/:y' }, { path: '/a/b' }], last: [0] },
    'a parameter is not empty': { rules: [{ path: '/:x' }, { path: '/' }], last: null },
    'not even with a slash': { rules: [{ path: '/a/:x' }, { path: '/a/' }], last: null, options: strict },
    'all lengths one by one': {
      rules: [{ path: '/a' }, { path: '/a/:x' }, { path: '/a/:x/:y/*' }, { path: '/a/*' }],
      last: [0, 1, 2],
    },
    'one length is missing': {
      rules: [{ path: '/a' }, { path: '/a/:x/:y/*' }, { path: '/a/*' }],
      last: null,
    },
    'slashes count too': {
      rules: [{ path: '/a' }, { path: '/a/:x' }, { path: '/a/:x/:y/*' }, { path: '/a/*' }],
      last: null,
      options: strict,
    },
    'all lengths with their slashes': {
      rules: [{ path: '/a' }, { path: '/a/' }, { path: '/a/:x/*' }, { path: '/a/*' }],
      last: [0, 1, 2],
      options: strict,
    },
    'the root and one segment or more': {
      rules: [{ path: '/' }, { path: '/:x/*' }, { path: '/*' }],
      last: [0, 1],
    },
    'another method': {
      rules: [
        { path: '/a', ...get },
        { path: '/a', methods: ['POST'] },
      ],
      last: null,
    },
    'GET includes HEAD': {
      rules: [
        { path: '/a', ...get },
        { path: '/a', methods: ['HEAD'] },
      ],
      last: [0],
    },
    'HEAD is not GET': {
      rules: [
        { path: '/a', methods: ['HEAD'] },
        { path: '/a', ...get },
      ],
      last: null,
    },
    'two for two methods': {
      rules: [
        { path: '/a', ...get },
        { path: '/a', methods: ['POST'] },
        { path: '/a', methods: ['POST', 'GET'] },
      ],
      last: [0, 1],
    },
    'all methods are more': {
      rules: [{ path: '/a', ...get }, { path: '/a', methods: ['POST'] }, { path: '/a' }],
      last: null,
    },
    'case counts': { rules: [{ path: '/Admin/*' }, { path: '/admin/x' }], last: null },
    'unless told not to': {
      rules: [{ path: '/Admin/*' }, { path: '/admin/x' }],
      last: [0],
      options: anyCase,
    },
    'of any letter': { rules: [{ path: '/É' }, { path: '/%C3%A9' }], last: [0], options: anyCase },
    'another spelling': { rules: [{ path: '/caf%c3%a9' }, { path: '/café' }], last: [0] },
    'names of objects': { rules: [{ path: '/__proto__' }, { path: '/constructor' }], last: null },
  };
  for (const [name, { rules, last, options }] of Object.entries(cases)) {
    t.same(decidersOf(rules, options).at(-1), last, name);
  }
});

t.test('every method that is named one by one is all of them', async (t) => {
  const { servedMethods } = await import('../../src/rules/methods.ts');
  t.same(decidersOf([{ path: '/a', methods: [...servedMethods] }, { path: '/a' }]).at(-1), [0]);
  t.same(decidersOf([{ path: '/a', methods: servedMethods.slice(1) }, { path: '/a' }]).at(-1), null);
});

const segment = fc.constantFrom('a', 'b', 'A', ':p', ':q');
const distinct = (segments: readonly string[]) =>
  [':p', ':q'].every((name) => segments.filter((each) => each === name).length < 2);
const anyRule = fc
  .record({
    segments: fc.array(segment, { maxLength: 3 }).filter(distinct),
    end: fc.constantFrom('', '', '/', '/*'),
    methods: fc.constantFrom(null, null, ['GET'], ['HEAD'], ['POST'], ['GET', 'POST'], ['POST', 'HEAD']),
  })
  .map(({ segments, end, methods }) => ({
    path: `/${segments.join('/')}${segments.length === 0 && end !== '/*' ? '' : end}`.replace('//', '/'),
    methods,
  }));
const anyOptions = fc.record({
  // Guarded, what matches is the same, and some of it is refused.
  case: fc.constantFrom('sensitive' as const, 'insensitive' as const),
  trailingSlash: fc.constantFrom('ignore' as const, 'strict' as const),
  paths: fc.constant(defaults.paths),
});

/** Every path of up to five segments of the rules' own and one that none of them has, with a slash at its end and without. */
const words = ['a', 'b', 'A', 'z'];
const paths: readonly string[] = ['/'].concat(
  Array.from({ length: 5 }, (_, length) => allOf(length + 1)).flatMap((all) =>
    all.flatMap((path) => (path.length > 8 ? [path] : [path, `${path}/`])),
  ),
);

function allOf(length: number): string[] {
  if (length === 0) return [''];
  return allOf(length - 1).flatMap((path) => (length > 3 ? ['z'] : words).map((word) => `${path}/${word}`));
}

t.test('a rule is said never to decide exactly where it decides no request', async (t) => {
  fc.assert(
    fc.property(fc.array(anyRule, { minLength: 1, maxLength: 8 }), anyOptions, (rules, options) => {
      const table = compileRules(rules.map(rule), options);
      const seen = new Set<number>();
      for (const path of paths) {
        for (const method of ['GET', 'HEAD', 'POST', 'PUT']) {
          seen.add(find(table, method, path)?.rule.index ?? nobody);
        }
      }
      const found = decidersOf(rules, options);
      return found.every((deciders, index) => (deciders === null) === seen.has(index));
    }),
    { numRuns: 400 },
  );
  t.pass('400 lists of rules');
});

t.test('who decides a kind of path is who decides its paths', async (t) => {
  fc.assert(
    fc.property(fc.array(anyRule, { minLength: 1, maxLength: 8 }), anyOptions, (rules, options) => {
      const { compiled, reach } = reachOf(rules, options);
      const table = compileRules(rules.map(rule), options);
      for (const { pattern } of compiled) {
        const said = new Set<number>();
        const look = (of: typeof pattern) =>
          reach.everyKind(of, (deciders) => {
            for (const decider of deciders) said.add(decider);
          });
        look(pattern);
        for (const narrower of reach.narrower(pattern, 10_000)) look(narrower);
        const alone = compileRules([rule({ path: pathOf(pattern) })], options);
        const real = new Set<number>();
        for (const path of paths.filter((each) => find(alone, 'GET', each) !== null)) {
          for (const method of ['GET', 'HEAD', 'POST', 'PUT']) {
            real.add(find(table, method, path)?.rule.index ?? nobody);
          }
        }
        if (said.size !== real.size || ![...said].every((index) => real.has(index))) return false;
      }
      return true;
    }),
    { numRuns: 150 },
  );
  t.pass('150 lists of rules');
});

function pathOf({ segments, open }: { segments: readonly object[]; open: boolean }): string {
  const texts = segments.map((each, index) => ('literal' in each ? (each.literal as string) : `:p${index}`));
  return `/${[...texts, ...(open ? ['*'] : [])].join('/')}`;
}

t.test('ten thousand rules cost no more for each than ten', async (t) => {
  const visitsOf = (count: number) => {
    const kinds = (index: number): Some[] => [
      { path: `/s${index}/:id/*`, methods: ['GET'] },
      { path: `/s${index}/:id/x` },
      { path: `/s${index}/*` },
      { path: '/all/*' },
      { path: '/all/:x/:y' },
    ];
    const rules = Array.from({ length: count / 5 }, (_, index) => kinds(index)).flat();
    const { compiled, reach } = reachOf(rules, defaults);
    for (const each of compiled) reach.findDeciders(each);
    return reach.visits;
  };
  t.ok(visitsOf(10_000) <= 1000 * visitsOf(10), 'they are never held against one another');
});
