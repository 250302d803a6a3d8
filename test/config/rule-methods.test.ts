import { METHODS } from 'node:http';
import t from 'tap';
import { judgeRules } from './judge.ts';

t.test('every spelling of a method that would never match is a fault that names the right one', async (t) => {
  const cases: Readonly<Record<string, RegExp>> = {
    '*': /is not a method \(leave methods out for all\)$/,
    ALL: /is not a method \(leave methods out for all\)$/,
    any: /is not a method \(leave methods out for all\)$/,
    get: /upper case, got "get" \(write GET\)$/,
    Post: /\(write POST\)$/,
    'GET ': /\(write GET\)$/,
    ' get': /\(write GET\)$/,
    'GET\n': /\(write GET\)$/,
    'GET, POST': /holds several methods \(write one an entry: \[GET, POST\]\)$/,
    'GET|HEAD': /\[GET, HEAD\]/,
    'get post': /\[GET, POST\]/,
    CONNECT: /never served/,
    TRACE: /never served/,
    trace: /never served/,
    DELET: /no(t a)? method that a client can send.*did you mean DELETE\?/,
    FETCH: /not a method that a client can send/,
    'GET /a': /not a method that a client can send/,
    '/a': /not a method that a client can send/,
    '': /not a method|must be/,
    '^GET$': /\(write GET\)$/,
    M_SEARCH: /did you mean M-SEARCH\?/,
  };
  for (const [method, expected] of Object.entries(cases)) {
    const { faults } = judgeRules([{ path: '/a', methods: ['PUT', method] }]);
    t.equal(faults.length, 1, JSON.stringify(method));
    t.match(faults[0], /^rules\[0\]\.methods\[1\]: /, JSON.stringify(method));
    t.match(faults[0], expected, JSON.stringify(method));
  }
});

t.test('what is no list of methods is a fault that names the list', async (t) => {
  const cases: readonly [unknown, RegExp][] = [
    ['*', /leave methods out for all/],
    ['ALL', /leave methods out for all/],
    ['GET', /write \[GET\]/],
    ['get, post', /write \[GET, POST\]/],
    [[], /must not be empty.*leave methods out for all/],
    [{}, /must be a list/],
  ];
  for (const [methods, expected] of cases) {
    const { faults } = judgeRules([{ path: '/a', methods }]);
    t.equal(faults.length, 1, JSON.stringify(methods));
    t.match(faults[0], expected, JSON.stringify(methods));
  }
});

t.test('every method that the parser takes and that is served can be named', async (t) => {
  for (const method of METHODS.filter(
    (each) => each !== 'CONNECT' && each !== 'TRACE' && each !== 'SOURCE',
  )) {
    t.same(judgeRules([{ path: '/a', methods: [method] }]).faults, [], method);
  }
});
