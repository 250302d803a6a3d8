import t, { type Test } from 'tap';
import { judgeRules } from './judge.ts';

const parameter = (name: string) => new RegExp(`written ":${name}"`);
const rest = /write "\*" as the last segment/;
const noRegex = /regular expressions are not read here/;

t.test('what other routers write is a fault that names the right spelling', async (t) => {
  const cases: Readonly<Record<string, RegExp>> = {
    '/users/{id}': parameter('id'),
    '/users/{id}/orders': parameter('id'),
    '/{tenant}': parameter('tenant'),
    '/users/user-{id}': parameter('id'),
    '/users/{id}.json': parameter('id'),
    '/users/{{id}}': parameter('id'),
    '/users/{ id }': parameter('id'),
    '/users/{user-id}': parameter('user_id'),
    '/users/{id:int}': parameter('id'),
    '/users/{id:[0-9]{3}}': parameter('id'),
    '/users/{id?}': parameter('id'),
    '/users/{0}': parameter('name'),
    '/users/{}': parameter('name'),
    '/users/#{id}': parameter('id'),
    '/users/@{id}': parameter('id'),
    '/users/%(id)s': parameter('id'),
    '/users/<id>': parameter('id'),
    '/users/<int:id>': parameter('id'),
    '/users/<id:int>': parameter('id'),
    '/users/<id:\\d+>': parameter('id'),
    '/users/:id<int>': parameter('id'),
    '/users/[id]': parameter('id'),
    '/users/[id]/x': parameter('id'),
    '/files/{*path}': rest,
    '/files/{**path}': rest,
    '/files/{path*}': rest,
    '/files/{path...}': rest,
    '/files/{path:.*}': rest,
    '/files/<path:path>': rest,
    '/files/[...path]': rest,
    '/files/[[...path]]': rest,
    '/files/**': rest,
    '/files/***': rest,
    '/files/.*': rest,
    '/files/*path': rest,
    '/files/:path*': rest,
    '/files/:path+': rest,
    '/users/:id?': /optional; write two rules/,
    '/users/:id?/x': /optional; write two rules/,
    '/users/:id(\\d+)': /write ":id" alone/,
    '/users/:id([0-9]+)/x': /write ":id" alone/,
    '/users/:id.json': /write ":id"/,
    '/:from-:to': /write ":from"/,
    '/users/:user-id': /write ":user_id"/,
    '/users/:': /write ":name"/,
    '/users/:1': /write ":name"/,
    '/users/::id': /write ":id"/,
    '/users/:größe': /letters, digits and "_"/,
    '/:id/:id': /two parameters ":id"/,
    '/users/[0-9]+': noRegex,
    '/users/[0-9]': noRegex,
    '/users/[^/]+': noRegex,
    '/users/[a-z]': noRegex,
    '/users/[a-z]{2}': noRegex,
    '/users/\\d+': noRegex,
    '/users/\\w': noRegex,
    '/v1\\.0/x': noRegex,
    '/users/.+': noRegex,
    '/users/(\\d+)': noRegex,
    '/users/(?<id>.)': parameter('id'),
    '/users/(?:x)': noRegex,
    '/(admin)': /where "\(" is meant, write "%28"/,
    '/admin)': /where "\)" is meant, write "%29"/,
    '/(a|b)': /one rule has one path/,
    '/a|/b': /one rule has one path/,
    '^/admin': /matched from its beginning/,
    '/admin/^x': noRegex,
    '/admin$': /leave it out; where "\$" is meant, write "%24"/,
    '/admin/$': /leave it out/,
    '/*/x': /write ":name" for one segment/,
    '/**/x': /write ":name" for one segment/,
    '/*id/x': /write ":name" for one segment/,
    '/*.html': /only be the whole last segment/,
    '/a*': /only be the whole last segment/,
    '/a*/b': /only be the whole last segment/,
    '/a/b*c': /where "\*" is meant, write "%2A"/,
    '/a/*/': /write ":name" for one segment/,
  };
  for (const [path, expected] of Object.entries(cases)) judge(t, path, expected);
});

t.test('what no request has in its path is a fault that names what to write', async (t) => {
  const cases: Readonly<Record<string, RegExp>> = {
    'https://api.example.com/admin/*': /write its path alone: "\/admin\/\*"/,
    'HTTP://api.example.com': /write its path alone: "\/"/,
    'api.example.com/admin': /begins with a host; write its path alone: "\/admin"/,
    'localhost:8080/admin': /write its path alone: "\/admin"/,
    'GET /admin': /write path: "\/admin" and methods: \[GET\]/,
    'delete  /admin': /methods: \[DELETE\]/,
    '~ ^/admin': /write "\/admin"/,
    '= /admin': /write "\/admin"/,
    '"/admin"': /quotation mark/,
    "'/admin'": /quotation mark/,
    'admin/x': /must begin with "\/": write "\/admin\/x"/,
    './admin': /write "\/admin"/,
    '\\admin': /write "\/admin"/,
    '*': /"\/\*" where every path is meant/,
    '/a?b=c': /leave the query out/,
    '/a#b': /leave it out/,
    '/a;x=1': /leave them out/,
    '/a;x=1/b': /leave them out/,
    '/a b': /write "%20"/,
    '/a ': /holds a blank/,
    ' /a': /begins with a blank/,
    '/a\u00a0b': /write "%C2%A0"/,
    '/a\u3000': /write "%E3%80%80"/,
    '/a\tb': /control character/,
    '/a\n': /line break/,
    '/a\u0085': /control character/,
    '/a\u200bb': /U\+200B.*write "%E2%80%8B"/,
    '/a\u202eb': /U\+202E/,
    '/a\ufeff': /blank/,
    '/😀': /write "%F0%9F%98%80"/,
    '/a–b': /write "%E2%80%93"/,
    '/a／b': /write "%EF%BC%8F"/,
    '/a"b': /write "%22"/,
    '/a`b': /write "%60"/,
    '/a<b': /write "%3C"/,
    '/a>b': /write "%3E"/,
    '/a{b': /write "%7B"/,
    '/a}b': /write "%7D"/,
    '/a\\b': noRegex,
    '/a\\users': /backslash; write "\/" between segments/,
    '/100%': /literal one is "%25"/,
    '/a%zzb': /two hexadecimal digits/,
    '/users/%s': /two hexadecimal digits/,
    '/%E9': /more than one reading/,
    '/a%2Fb': /paths.encodedSlashes is not allow/,
    '/a%5Cb': /backslash or a control character/,
    '/a%00b': /backslash or a control character/,
    '/a%252eb': /second decoder/,
    '/a/../b': /has ".." for a segment/,
    '/./a': /has "." for a segment/,
    '/a/%2e%2E': /for a segment/,
    '/a//b': /empty segment.*write one/,
    '//a': /empty segment/,
    '/a//*': /empty segment/,
    '/a\ud800': /half a character/,
  };
  for (const [path, expected] of Object.entries(cases)) judge(t, path, expected);
});

function judge(t: Pick<Test, 'equal' | 'match' | 'notMatch'>, path: string, expected: RegExp): void {
  const { faults } = judgeRules([{ path, scopes: ['admin'] }]);
  t.equal(faults.length, 1, `${JSON.stringify(path)}: one fault`);
  t.match(faults[0], /^rules\[0\]\.path: The path /, JSON.stringify(path));
  t.match(faults[0], expected, JSON.stringify(path));
  t.notMatch(faults[0], /[\0-\x1f\x7f-\x9f]/, 'nothing that drives a terminal');
}

t.test('what a path may hold is no fault', async (t) => {
  const paths = [
    '/',
    '/*',
    '/a/*',
    '/a/',
    '/:id',
    '/:_x1/y/*',
    "/-._~!$&'+,=:@x/y",
    '/a(b'.replace('(', '%28'),
    '/%7Bid%7D',
    '/%2A/%3Aid/x%24',
    '/a%20b',
    '/~alice/@bob',
    '/café/日本/हिन्दी/١٢',
    '/v1/items:batchGet',
    '/c++',
    '/.well-known/openid-configuration',
    '/index.html',
    '/__proto__/constructor',
    '/a=b,c',
  ];
  for (const path of paths) {
    const { faults, warnings } = judgeRules([{ path, scopes: ['admin'] }]);
    t.same(faults, [], path);
    if (!path.includes('$&'))
      t.same(
        warnings.filter((each) => each.includes('.path')),
        [],
        `${path}: no doubt`,
      );
  }
});

t.test('what only looks like something else is a warning', async (t) => {
  const cases: Readonly<Record<string, RegExp>> = {
    '/users/$id': /takes "\$id" literally; a parameter is written ":id"/,
    '/users/$id/x': /written ":id"/,
    '/odata/$metadata': /takes "\$metadata" literally/,
    '/$1/x': /takes "\$1" literally/,
    '/v:version/x': /takes "v:version" literally/,
    '/user-:id': /takes "user-:id" literally/,
    '/@:name': /takes "@:name" literally/,
    '/a:b:c': /literally/,
    '/sensors/+/x': /takes "\+" literally/,
    '/a,/b': /one rule has one path/,
  };
  for (const [path, expected] of Object.entries(cases)) {
    const { faults, warnings } = judgeRules([{ path, scopes: ['admin'] }]);
    t.same(faults, [], path);
    t.ok(
      warnings.some((each) => /^rules\[0\]\.path: /.test(each) && expected.test(each)),
      path,
      { warnings },
    );
  }
});

t.test('a fault of one path does not hide what is wrong with other rules', async (t) => {
  const { faults, warnings } = judgeRules([
    { path: '/users/{id}' },
    { path: '/a/*', auth: 'none' },
    { path: '/a/b', scopes: ['x'], upstream: 'nowhere' },
    { path: '/c' },
    { path: '/c', claims: { sub: { equals: '{id}' } } },
  ]);
  t.match(faults.toSorted(), [
    /^rules\[0\]\.path/,
    /^rules\[2\]\.upstream/,
    /^rules\[2\]: never decides: rules\[1\]/,
    /^rules\[4\]\.claims\.sub: needs the parameter "id"/,
    /^rules\[4\]: never decides: rules\[3\]/,
  ]);
  t.same(
    warnings.filter((each) => each.startsWith('rules')),
    [],
  );
});
