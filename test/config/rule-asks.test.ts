import t from 'tap';
import { base, issuer, judge, judgeRules } from './judge.ts';

const asks: Readonly<Record<string, object>> = {
  scopes: { scopes: ['admin'] },
  anyScope: { anyScope: ['admin'] },
  claims: { claims: { roles: { contains: 'admin' } } },
  issuers: { issuers: [issuer.issuer] },
  anyOf: { anyOf: [{ scopes: ['admin'] }] },
};
const ofRules = (said: readonly string[]) => said.filter((each) => each.startsWith('rules'));

t.test('what no rule matches must be said once a rule asks for more than a good token', async (t) => {
  for (const [name, options] of Object.entries(asks)) {
    const rules = [
      { path: '/open', auth: 'none' },
      { path: '/admin/*', ...options },
    ];
    for (const unmatched of [undefined, null]) {
      const { faults } = judge({ ...base, rules, ...(unmatched === null && { unmatched }) });
      t.equal(faults.length, 1, `${name}, ${unmatched}`);
      t.match(faults[0], /^unmatched: must be said, since rules\[1\] asks.*deny.*404; required/, name);
    }
    for (const unmatched of ['required', 'deny']) t.same(judgeRules(rules, { unmatched }).faults, [], name);
  }
  t.same(
    judge({ ...base, rules: [{ path: '/a' }, { path: '/b', auth: 'optional' }] }).faults,
    [],
    'none asks',
  );
  t.same(judge(base).faults, [], 'no rules at all');
  const claims = { tenant: { exists: true } };
  t.same(judge({ ...base, issuers: [{ ...issuer, claims }] }).faults, [], "an issuer's claims do not count");
});

t.test('a path that asks for more in some methods than in others is a warning', async (t) => {
  const issuers = [issuer, { issuer: 'https://other.example.com', audience: 'a' }];
  const required = { unmatched: 'required', issuers };
  const read = { path: '/admin/*', methods: ['GET'] };
  for (const [name, options] of Object.entries(asks)) {
    const { faults, warnings } = judgeRules([{ ...read, ...options }], required);
    t.same(faults, [], name);
    t.match(
      ofRules(warnings),
      [
        /^rules\[0\]\.methods: GET, HEAD \/admin\/\* asks for .*, but POST, PUT, PATCH, DELETE, OPTIONS and others are decided by unmatched: required, which any good token passes/,
      ],
      name,
    );
    t.same(ofRules(judgeRules([{ ...read, ...options }]).warnings), [], `${name}: with deny it is no gap`);
  }
  const scopes = ['admin'];
  const named = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
  const gaps: Readonly<Record<string, readonly [rules: object[], warning: RegExp, more?: object]>> = {
    'a rule for all paths': [
      [{ ...read, scopes }, { path: '/*' }],
      /rules\[1\] \(\/\*\), which any good token/,
    ],
    'a rule for the same path': [[{ ...read, scopes }, { path: '/admin/*' }], /decided by rules\[1\]/],
    'a rule without token': [
      [
        { ...read, scopes },
        { path: '/*', auth: 'none' },
      ],
      /which needs no token/,
    ],
    'an optional one': [
      [
        { ...read, scopes },
        { path: '/*', auth: 'optional' },
      ],
      /which needs no token/,
    ],
    'one that reports': [
      [
        { ...read, scopes },
        { path: '/*', scopes, mode: 'report' },
      ],
      /mode is report/,
    ],
    'one that asks for less': [
      [
        { ...read, scopes: ['a', 'b'] },
        { path: '/*', scopes: ['a'] },
      ],
      /which asks for less/,
    ],
    'a rule for other methods of more paths': [
      [
        { ...read, scopes },
        { path: '/*', methods: ['POST'], auth: 'none' },
      ],
      /but POST are decided by rules\[1\]/,
    ],
    'a rule for a part of the paths': [
      [{ ...read, scopes }, { path: '/admin/users/*' }],
      /decided by rules\[1\] \(\/admin\/users\/\*\)/,
    ],
    'a rule for one of the paths': [[{ ...read, scopes }, { path: '/admin/x/y' }], /decided by rules\[1\]/],
    'a rule that overlaps': [
      [{ path: '/:tenant/admin', methods: ['GET'], scopes }, { path: '/acme/*' }],
      /decided by rules\[1\] \(\/acme\/\*\)/,
    ],
    'methods that are less known': [
      [{ path: '/admin/*', methods: named, scopes }],
      /but [A-Z-]+, [A-Z-]+ and others are decided by unmatched: required/,
      required,
    ],
  };
  for (const [name, [rules, warning, more]] of Object.entries(gaps)) {
    const { faults, warnings } = judgeRules(rules, more);
    t.same(faults, [], name);
    t.match(
      ofRules(warnings).filter((each) => !each.includes('.auth') && !each.includes('.mode')),
      [warning],
      name,
    );
  }
  const fine: Readonly<Record<string, readonly [rules: object[], more?: object]>> = {
    'reading and writing': [
      [{ ...read, scopes: ['r'] }, { path: '/admin/*', scopes: ['w'] }, { path: '/*' }],
      required,
    ],
    'all methods': [[{ path: '/admin/*', scopes }], required],
    'public reading, named': [
      [
        { path: '/a', methods: ['POST'], scopes },
        { path: '/a', methods: ['GET'], auth: 'none' },
      ],
    ],
    'a preflight rule after it': [
      [
        { ...read, scopes },
        { path: '/*', methods: ['OPTIONS'], auth: 'none' },
      ],
    ],
    'a preflight rule before it': [
      [
        { path: '/*', methods: ['OPTIONS'], auth: 'none' },
        { path: '/admin/*', scopes },
      ],
    ],
    'an exception before it': [
      [
        { path: '/admin/login', auth: 'none' },
        { ...read, scopes },
      ],
    ],
    'a rule that asks for nothing': [[read, { path: '/*', auth: 'none', methods: ['POST'] }], required],
    'a stricter rest': [
      [
        { ...read, scopes },
        { path: '/*', scopes: ['admin', 'more'] },
      ],
      required,
    ],
    'other paths': [[{ ...read, scopes }, { path: '/other/*' }]],
  };
  for (const [name, [rules, more]] of Object.entries(fine)) {
    const { faults, warnings } = judgeRules(rules, more);
    t.same(faults, [], name);
    t.same(
      ofRules(warnings).filter((each) => each.includes('.methods')),
      [],
      name,
    );
  }
  const twice = judgeRules(
    [
      { ...read, scopes: ['r'] },
      { path: '/admin/*', methods: ['POST'], scopes: ['w'] },
    ],
    required,
  );
  t.equal(ofRules(twice.warnings).length, 1, 'the rules of one path leave one gap, which is said once');
});

t.test('optional beside what a rule asks for is a warning: nobody needs it who sends no token', async (t) => {
  for (const [name, options] of Object.entries(asks)) {
    const { faults, warnings } = judgeRules([{ path: '/a', auth: 'optional', ...options }]);
    t.same(faults, [], name);
    t.match(ofRules(warnings), [/^rules\[0\]\.auth: is optional, so a request without a token passes/], name);
  }
  t.same(ofRules(judgeRules([{ path: '/a', auth: 'optional' }]).warnings), []);
});

t.test('none for every path is a warning, save for preflight requests', async (t) => {
  const open = { path: '/*', auth: 'none' };
  const said = (rules: object[]) => ofRules(judgeRules(rules).warnings);
  t.match(said([open]), [/^rules\[0\]\.auth: is none for every path: nothing is verified$/]);
  t.match(said([{ path: '/a' }, open]), [
    /is none for every path: what no earlier rule matches is not verified$/,
  ]);
  t.match(said([{ ...open, methods: ['GET'] }]), [/is none for every path: no GET is verified$/]);
  t.match(said([{ ...open, methods: ['OPTIONS', 'POST'] }]), [/is none for every path/]);
  t.same(said([{ ...open, methods: ['OPTIONS'] }]), []);
});

t.test('alternatives that cannot be meant are faults', async (t) => {
  const other = { issuer: 'https://other.example.com', audience: 'a' };
  const more = { issuers: [issuer, other] };
  const cases: Readonly<Record<string, readonly [rule: object, fault: RegExp]>> = {
    'one that asks for nothing': [
      { anyOf: [{ scopes: ['a'] }, {}] },
      /^rules\[0\]\.anyOf\[1\]: asks for nothing/,
    ],
    'with empty lists': [
      { anyOf: [{ scopes: [], claims: {} }] },
      /^rules\[0\]\.anyOf\[0\]: asks for nothing/,
    ],
    'an unknown issuer': [
      { anyOf: [{ issuers: ['https://x.example'] }] },
      /^rules\[0\]\.anyOf\[0\]\.issuers\[0\]: is not one of issuers/,
    ],
    'issuers that the rule does not accept': [
      { issuers: [issuer.issuer], anyOf: [{ issuers: [other.issuer] }, { scopes: ['a'] }] },
      /^rules\[0\]\.anyOf\[0\]\.issuers: can never hold/,
    ],
    'a parameter that is not there': [
      { anyOf: [{ claims: { tenant: { equals: '{tenant}' } } }] },
      /^rules\[0\]\.anyOf\[0\]\.claims\.tenant: needs the parameter "tenant"/,
    ],
    'a bad matcher': [
      { anyOf: [{ claims: { sub: { matches: '(' } } }] },
      /^rules\[0\]\.anyOf\[0\]\.claims\.sub: /,
    ],
    'none beside it': [{ auth: 'none', anyOf: [{ scopes: ['a'] }] }, /^rules\[0\]\.auth: is none/],
    'a key that it does not have': [
      { anyOf: [{ scope: ['a'] }] },
      /^rules\[0\]\.anyOf\[0\]\.scope: unknown key \(did you mean "scopes"\?\)/,
    ],
    'no list': [{ anyOf: { scopes: ['a'] } }, /^rules\[0\]\.anyOf: must be a list/],
    'one within another': [{ anyOf: [{ anyOf: [] }] }, /^rules\[0\]\.anyOf\[0\]\.anyOf: unknown key/],
    'an empty list of issuers': [
      { anyOf: [{ issuers: [] }] },
      /^rules\[0\]\.anyOf\[0\]\.issuers: must not be empty/,
    ],
  };
  for (const [name, [rule, fault]] of Object.entries(cases)) {
    const [first, ...others] = judgeRules([{ path: '/a', ...rule }], more).faults;
    t.match(first, fault, name);
    // Without what is wrong in it, an alternative may ask for nothing.
    t.same(
      others.filter((each) => !each.includes('asks for nothing')),
      [],
      name,
    );
  }
  t.same(
    judgeRules([{ path: '/:tenant', anyOf: [{ claims: { tenant: { equals: '{tenant}' } } }] }]).faults,
    [],
  );
  t.same(judgeRules([{ path: '/a', anyOf: [] }]).faults, [], 'an empty list asks for nothing');
});

t.test('a variable in a path that the environment does not have may be a template', async (t) => {
  const { interpolate } = await import('../../src/config/interpolate.ts');
  const { findings } = interpolate({ rules: [{ path: '/users/${id}' }] }, { env: {}, cwd: '/' });
  t.match(findings, [{ path: ['rules', 0, 'path'], hint: /written :name/ }]);
});

t.test('claims, names and paths that every object seems to have are names like any other', async (t) => {
  for (const name of ['toString', 'valueOf', 'constructor', 'hasOwnProperty', 'isPrototypeOf']) {
    const rules = ['/a', '/b'].map((path, index) => ({
      path: `${path}/${name}`,
      name: `${name}-${index}`,
      claims: { [name]: { equals: 'x' } },
      anyOf: [
        { claims: { [name]: { exists: true } } },
        { claims: { [`${name}.${name}`]: { equals: index } } },
      ],
    }));
    t.same(judgeRules(rules).faults, [], name);
    const twice = { ...rules[0], name: null };
    t.match(judgeRules([twice, twice]).faults, [/twice/], `${name}: the same rule twice`);
  }
});
