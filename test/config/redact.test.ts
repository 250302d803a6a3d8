import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { ConfigError, formatFault } from '../../src/config/fault.ts';
import { loadConfig } from '../../src/config/load.ts';

/** Wrong in every place, each in its own way, and told from any other text. */
const secrets = [
  'hunter2-hunter2',
  'hunter2 hunter2',
  'https://user:hunter2@idp.example.com/?key=hunter2',
  'http://hunter2.example.com:99999/',
  'https://hunter2.example.com/.well-known/openid-configuration',
  'hunter2:3000',
  '${hunter2',
  '"hunter2"\n',
  ' hunter2 ',
  'hunter2,hunter2',
  '10.0.0.1/8hunter2',
  '/hunter2*',
  '$.hunter2.x',
  '1hunter2h',
];

/** Where a text from elsewhere can stand; `@` is its place. */
const places: Readonly<Record<string, string>> = {
  upstream: 'upstream: "@"',
  'upstream.url': 'upstream: { url: "@" }',
  'a header that is set': 'upstream: { url: http://127.0.0.1:3000, setHeaders: { X-Key: "@" } }',
  'a duration': 'upstream: { url: http://127.0.0.1:3000, connectTimeout: "@" }',
  'a file': 'upstream: { url: http://127.0.0.1:3000, tls: { caFile: "@" } }',
  'an issuer': 'issuers: [{ issuer: "@", audience: a }]',
  'the issuer of a rule': 'issuers: [{ issuer: "@", audience: a }]\nrules: [{ path: /a, issuers: ["@x"] }]',
  'two equal issuers': 'issuers: [{ issuer: "@", audience: a }, { issuer: "@", audience: b }]',
  jwksUri: 'issuers: [{ issuer: https://a.example, audience: a, jwksUri: "@" }]',
  'an audience': 'issuers: [{ issuer: https://a.example, audience: "@" }]',
  audiences: 'issuers: [{ issuer: https://a.example, audience: ["@", "@"] }]',
  'an algorithm': 'issuers: [{ issuer: https://a.example, audience: a, algorithms: ["@"] }]',
  'the place of algorithms': 'issuers: [{ issuer: https://a.example, audience: a, algorithms: "@" }]',
  'the place of issuers': 'issuers: "@"',
  'a claim': 'identity: { headers: { X-A: "@" } }',
  'a header': 'identity: { payloadHeader: "@" }',
  'a matcher': 'rules: [{ path: /a, claims: { a: { matches: "@(" } } }]',
  'the place of a matcher': 'rules: [{ path: /a, claims: { a: "@" } }]',
  'a path': 'rules: [{ path: "@" }]',
  'a prefix': 'rules: [{ path: /a, stripPrefix: "@" }]',
  'a name twice': 'rules: [{ name: "@", path: /a }, { name: "@", path: /b }]',
  'the upstream of a rule': 'rules: [{ path: /a, upstream: "@" }]',
  'a scope': 'rules: [{ path: /a, scopes: ["@"] }]',
  'the place of scopes': 'rules: [{ path: /a, scopes: "@" }]',
  'a port': 'listen: { port: "@" }',
  'a proxy': 'listen: { trustedProxies: ["@"] }',
  'a section': 'listen: "@"',
  'a word': 'mode: "@"',
  'a switch': 'failureLimit: "@"',
  'an origin': 'token: { allowedOrigins: ["@"] }',
  'a cookie': 'token: { sources: [{ type: cookie, name: "@" }] }',
  'a kind of source': 'token: { sources: [{ type: "@" }] }',
  'where nothing is known': 'nonsense: "@"',
};

const whole: Readonly<Record<string, string>> = {
  upstream: 'upstream: http://127.0.0.1:3000',
  issuers: 'issuers: [{ issuer: https://a.example, audience: a }]',
};

/** The given lines, and those of a whole config that are not among them. */
function fill(text: string): string {
  const others = Object.entries(whole).filter(([key]) => !text.startsWith(`${key}:`));
  return [...others.map(([, line]) => line), text].join('\n');
}

function allThatIsSaid(options: Parameters<typeof loadConfig>[0]): string {
  const say = (...all: ConfigError['faults'][]) => all.flat().map(formatFault).join('\n');
  try {
    const { warnings, notes } = loadConfig(options);
    return say(warnings, notes);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    t.notMatch(error.message, 'hunter2');
    return say(error.faults, error.warnings, error.notes);
  }
}

t.test('what comes from the environment or from a file is never said', async (t) => {
  const cwd = t.testdir({});
  let said = 0;
  for (const secret of secrets) {
    writeFileSync(join(cwd, 'secret'), secret);
    for (const [name, text] of Object.entries(places)) {
      for (const reference of ['${SECRET}', '${file:secret}', 'a${SECRET}b']) {
        writeFileSync(join(cwd, 'a.yaml'), fill(text.replaceAll('@', reference)));
        const words = allThatIsSaid({ file: 'a.yaml', env: { SECRET: secret }, cwd });
        if (words.includes('hunter2')) t.fail(`${name}: ${reference}`, { secret, words });
        said += words.split('\n').length;
      }
    }
  }
  t.ok(said > 2000, 'and there was much to say');
});

t.test('nor is what a SIDECAR_ variable sets', async (t) => {
  const names = [
    'UPSTREAM',
    'ISSUER',
    'AUDIENCE',
    'LISTEN__PORT',
    'ISSUERS__0__JWKS_URI',
    'RULES__0__PATH',
    'MODE',
  ];
  for (const name of names) {
    for (const secret of secrets) {
      const env = { SIDECAR_UPSTREAM: 'http://127.0.0.1:3000', [`SIDECAR_${name}`]: secret };
      const words = allThatIsSaid({ env, cwd: t.testdirName });
      if (words.includes('hunter2')) t.fail(name, { secret, words });
    }
  }
});

t.test('nor, of a value in the file, is a header that is set', async (t) => {
  const cwd = t.testdir({});
  for (const value of ['"hunter2\\n"', '[hunter2]', '{ hunter2: 1 }', '"hunter2 "', '“hunter2”']) {
    const text = `upstream: { url: http://127.0.0.1:3000, setHeaders: { X-Key: ${value} } }`;
    writeFileSync(join(cwd, 'a.yaml'), fill(text));
    t.notMatch(allThatIsSaid({ file: 'a.yaml', env: {}, cwd }), 'hunter2', value);
  }
  for (const value of ['hunter2', 'Authorization:hunter2', '[hunter2]', '["Authorization: hunter2"]', '5']) {
    writeFileSync(
      join(cwd, 'a.yaml'),
      fill(`upstream: { url: http://127.0.0.1:3000, setHeaders: ${value} }`),
    );
    const words = allThatIsSaid({ file: 'a.yaml', env: {}, cwd });
    t.match(words, 'upstream.setHeaders');
    t.notMatch(words, 'hunter2', `setHeaders: ${value}`);
  }
});

t.test('a word that is short or ordinary leaves the messages readable', async (t) => {
  const cwd = t.testdir({ 'a.yaml': fill('mode: ${A}\nlisten: { port: "${B}", nonsense: 1 }') });
  const words = allThatIsSaid({ file: 'a.yaml', env: { A: 'is', B: 'a' }, cwd });
  t.match(words, 'mode: must be one of enforce, report\n');
  t.match(words, 'listen.port: must be a whole number from 0 to 65535\n');
});
