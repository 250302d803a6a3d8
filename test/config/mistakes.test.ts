import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { ConfigError, formatFault } from '../../src/config/fault.ts';
import { loadConfig } from '../../src/config/load.ts';

const lines = {
  upstream: 'upstream: http://127.0.0.1:3000',
  issuers: 'issuers:',
  issuer: '  - issuer: https://idp.example.com',
  audience: '    audience: api://orders',
  more: '',
};

/** A small config, lines 1 to 4, with some of its lines replaced and `more` after them. */
function write(change: Partial<typeof lines>): string {
  return Object.values({ ...lines, ...change })
    .filter((line) => line !== '')
    .join('\n');
}

const at = (name: string) => ({ issuer: `  - issuer: ${name}` });
const keys = (line: string) => ({ more: `    ${line}` });
const rule = (line: string) => ({ more: `unmatched: deny\nrules:\n  - path: /a\n    ${line}` });
const header = (line: string) => ({ more: `identity:\n  headers:\n    ${line}` });
const tenant = '8f2b6d0e-51a7-4c39-9d84-0c1e7a5b3f62';

type Kind = 'error' | 'warning' | 'note' | 'valid';

/** What a person writes, and what is said of it: its kind, where, and the words that help. */
const mistakes: Readonly<
  Record<string, [text: Partial<typeof lines> | Buffer | string, kind: Kind, said: RegExp | string]>
> = {
  // URLs
  'an upstream without a scheme': [
    { upstream: 'upstream: 127.0.0.1:3000' },
    'error',
    '1:11 upstream: must be an http or https URL, or a map of settings, got "127.0.0.1:3000" — write http://127.0.0.1:3000',
  ],
  'localhost and a port': [{ upstream: 'upstream: localhost:3000' }, 'error', 'write http://localhost:3000'],
  'a port as upstream': [{ upstream: 'upstream: 3000' }, 'error', 'got 3000'],
  'a WebSocket URL': [
    { upstream: 'upstream: ws://127.0.0.1:3000' },
    'error',
    'WebSockets are forwarded over it',
  ],
  'a socket file': [
    { upstream: 'upstream: unix:/run/app.sock' },
    'error',
    'sockets of the file system are not supported',
  ],
  'an upstream with a query': [
    { upstream: 'upstream: http://127.0.0.1/a?b=hunter2' },
    'error',
    /leave out what follows "\?" or "#"$/,
  ],
  'a password in the upstream': [
    { upstream: 'upstream: http://user:hunter2@127.0.0.1' },
    'error',
    /must be an http or https URL without a user and a password — .*setHeaders.*\$\{file:/,
  ],
  'a user in the upstream': [
    { upstream: 'upstream: http://hunter2@127.0.0.1' },
    'error',
    'without a user and a password',
  ],
  'an empty user in the upstream': [
    { upstream: 'upstream: ftp://:hunter2@127.0.0.1' },
    'error',
    'without a user and a password',
  ],
  'a password in a further upstream': [
    { more: 'upstreams:\n  b: http://user:hunter2@127.0.0.1' },
    'error',
    /^6:6 upstreams\.b: .*without a user/,
  ],
  'a password in jwksUri': [
    keys('jwksUri: https://user:hunter2@idp.example.com/keys'),
    'error',
    /5:14 issuers\[0\]\.jwksUri: .*without a user and a password — .*keys\.bearerTokenFile/,
  ],
  'a password in the issuer': [
    at('https://user:hunter2@idp.example.com'),
    'error',
    '3:13 issuers[0].issuer: must not hold a user or a password',
  ],
  'a password in an origin': [
    { more: 'token: { allowedOrigins: ["https://u:hunter2@a.example"] }' },
    'error',
    'without a user and a password',
  ],
  'an upstream that is the gateway itself': [
    { upstream: 'upstream: http://127.0.0.1:8080' },
    'error',
    '1:11 upstream: is this gateway itself',
  ],
  'the same by any address': [
    { upstream: 'upstream: http://0.0.0.0:8080' },
    'error',
    'is this gateway itself',
  ],
  'the same by IPv6': [{ upstream: 'upstream: http://[::1]:8080' }, 'error', 'is this gateway itself'],
  'the same by a mapped address': [
    { upstream: 'upstream: http://[::ffff:127.0.0.1]:8080' },
    'error',
    'is this gateway itself',
  ],
  'the same by another spelling': [
    { upstream: 'upstream: http://0x7f.1:8080' },
    'error',
    'is this gateway itself',
  ],
  'the admin port as upstream': [
    { more: 'upstreams: { b: "http://localhost:9090" }' },
    'error',
    "upstreams.b: is this gateway's own admin port",
  ],
  'the same port on another address': [{ more: 'listen: { host: 192.0.2.1, port: 3000 }' }, 'valid', /^$/],
  // issuers
  'an issuer without a scheme': [at('idp.example.com'), 'error', 'write https://idp.example.com'],
  'the address of the metadata': [
    at('https://idp.example.com/a/.well-known/openid-configuration'),
    'error',
    'is the address of its metadata, not the issuer — write https://idp.example.com/a',
  ],
  'the same of RFC 8414': [
    at('https://idp.example.com/.well-known/oauth-authorization-server/a'),
    'error',
    'write https://idp.example.com/a',
  ],
  'the same of Auth0': [
    at('https://acme.auth0.com/.well-known/openid-configuration'),
    'error',
    /write https:\/\/acme\.auth0\.com\/$/,
  ],
  'the address of the keys as issuer': [
    at('https://idp.example.com/.well-known/jwks.json'),
    'error',
    'is the address of its keys',
  ],
  'the token endpoint as issuer': [
    at('https://kc.example.com/realms/a/protocol/openid-connect/token'),
    'warning',
    /write https:\/\/kc\.example\.com\/realms\/a if/,
  ],
  'a query in the issuer': [at('https://idp.example.com/?tenant=1'), 'error', 'has a query or a fragment'],
  'common of Entra ID': [
    at('https://login.microsoftonline.com/common/v2.0'),
    'error',
    /names no tenant, but the iss of every token holds the id of its tenant — list an issuer for each tenant/,
  ],
  'organizations of Entra ID': [
    at('https://login.microsoftonline.com/organizations/v2.0'),
    'error',
    'names no tenant',
  ],
  'consumers of Entra ID': [
    at('https://login.microsoftonline.com/consumers/v2.0'),
    'error',
    '/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0',
  ],
  'the template of Entra ID': [
    at('"https://login.microsoftonline.com/{tenantid}/v2.0"'),
    'error',
    'names no tenant',
  ],
  'a domain as tenant of Entra ID': [
    at('https://login.microsoftonline.com/acme.onmicrosoft.com/v2.0'),
    'error',
    'names the tenant by its domain',
  ],
  'Entra ID without a version': [
    at(`https://login.microsoftonline.com/${tenant}`),
    'warning',
    `write https://login.microsoftonline.com/${tenant}/v2.0 for tokens of version 2, or https://sts.windows.net/${tenant}/ for version 1`,
  ],
  'Entra ID with a slash': [
    at(`https://login.microsoftonline.com/${tenant}/v2.0/`),
    'warning',
    'is the iss of no token of Entra ID',
  ],
  'version 1 of Entra ID with version 2': [
    at(`https://sts.windows.net/${tenant}/v2.0`),
    'warning',
    'is the iss of no token of Entra ID',
  ],
  'version 1 of Entra ID without a slash': [
    at(`https://sts.windows.net/${tenant}`),
    'warning',
    `write https://sts.windows.net/${tenant}/`,
  ],
  'Entra ID as it is right': [at(`https://login.microsoftonline.com/${tenant}/v2.0`), 'valid', /^$/],
  'Auth0 without its slash': [
    at('https://acme.eu.auth0.com'),
    'warning',
    /does not end in "\/".*write https:\/\/acme\.eu\.auth0\.com\/$/,
  ],
  'Keycloak with a slash': [
    at('https://kc.example.com/realms/acme/'),
    'warning',
    /ends in "\/".*write https:\/\/kc\.example\.com\/realms\/acme$/,
  ],
  'Okta with a slash': [at('https://acme.okta.com/oauth2/default/'), 'warning', 'ends in "/"'],
  'metadata as jwksUri': [
    keys('jwksUri: https://idp.example.com/.well-known/openid-configuration'),
    'error',
    'is the address of the metadata, not of the keys — leave jwksUri out',
  ],
  'a page as jwksUri': [
    keys('jwksUri: https://idp.example.com/'),
    'warning',
    'looks like the address of a page',
  ],
  'no audience': [{ audience: '' }, 'error', 'issuers[0].audience: is missing'],
  'an audience that is a number': [{ audience: '    audience: 12345' }, 'error', 'put the value in quotes'],
  'two audiences in one text': [
    { audience: '    audience: a, b' },
    'warning',
    'is one audience with a comma in it — write [a, b]',
  ],
  'blanks around the audience': [
    { audience: '    audience: "api://orders "' },
    'warning',
    '4:15 issuers[0].audience[0]: begins or ends with a blank',
  ],
  'a block text as audience': [
    { audience: '    audience: |\n      api://orders', more: 'mode: enforce' },
    'warning',
    'begins or ends with a blank',
  ],
  'a blank before the issuer': [
    at('" https://idp.example.com"'),
    'warning',
    '3:13 issuers[0].issuer: begins or ends with a blank',
  ],
  'a blank that takes no room': [
    { audience: '    audience: "api://orders\\u200b"' },
    'warning',
    'begins or ends with a blank',
  ],
  'blanks around a claim value': [
    rule('claims: { role: { oneOf: [admin, "user "] } }'),
    'warning',
    'rules[0].claims.role.oneOf[1]: begins or ends with a blank',
  ],
  'a prefix that ends with a blank': [rule('claims: { role: { prefix: "team " } }'), 'valid', /^$/],
  'typographic quotes': [{ audience: '    audience: “orders”' }, 'warning', 'is in typographic quotes'],
  'a text for algorithms': [
    keys('algorithms: RS256'),
    'error',
    '5:17 issuers[0].algorithms: must be a list, got "RS256" — write [RS256]',
  ],
  HS256: [keys('algorithms: [HS256]'), 'error', 'HS256 and its like cannot be configured'],
  'an algorithm in lower case': [keys('algorithms: [rs256]'), 'error', 'did you mean "RS256"?'],
  'issuers as a map': [
    { issuers: 'issuers:\n  issuer: https://idp.example.com\n  audience: a', issuer: '', audience: '' },
    'error',
    /3:3 issuers: must be a list, got a map — each entry of a list begins with "- "$/,
  ],
  'an issuer at the top': [
    { issuers: '', issuer: 'issuer: https://idp.example.com', audience: 'audience: a' },
    'error',
    /audience: unknown key — did you mean "issuers\[\]\.audience"\?/,
  ],
  'an issuer that is a text': [
    { issuers: 'issuers: [https://idp.example.com]', issuer: '', audience: '' },
    'error',
    'write { issuer: …, audience: … }',
  ],
  'a refresh of a second': [keys('keys: { refresh: 1s }'), 'valid', /^$/],
  'a timeout above the refresh': [
    keys('keys: { refresh: 1s, timeout: 2s }'),
    'error',
    'must be at most keys.refresh, and is 2s — refresh is 1s',
  ],
  // claims
  'a claim named like a URL': [
    keys('claims: { "https://example.com/roles": { contains: a } }'),
    'error',
    /a name that holds dots is written \["https:\/\/example\.com\/roles"\]/,
  ],
  'the same for a header': [
    header('X-Roles: https://example.com/roles'),
    'error',
    '["https://example.com/roles"]',
  ],
  'the same as required': [
    keys('requiredClaims: [https://example.com/roles]'),
    'error',
    '["https://example.com/roles"]',
  ],
  'a comma for a dot': [
    header('X-Roles: realm_access,roles'),
    'warning',
    /7:14 identity\.headers\.X-Roles: the claim is looked for under a name with a "," in it/,
  ],
  'a slash for a dot': [
    rule('claims: { realm_access/roles: { contains: a } }'),
    'warning',
    'with a "/" in it',
  ],
  'a JSON path': [header('X-Roles: $.realm_access.roles'), 'warning', 'with a "$" in it'],
  'a slash that is meant': [header(`X-Roles: '["a/b"].c'`), 'valid', /^$/],
  'a place in a list': [header('X-Role: groups[0]'), 'error', 'a place in a list cannot be named'],
  'a claim without a matcher': [keys('claims: { email_verified: true }'), 'error', 'write { equals: … }'],
  'a list as matcher': [keys('claims: { role: [a, b] }'), 'error', 'write { containsAny: [ … ] }'],
  // rules and scopes
  'scopes in one text': [
    rule('scopes: a b'),
    'error',
    '8:13 rules[0].scopes: must be a list, got "a b" — write [a, b]',
  ],
  'scopes in one entry': [
    rule('scopes: ["a b"]'),
    'error',
    /8:14 rules\[0\]\.scopes\[0\]: must be one scope, got "a b" — each scope is an entry of its own: write \[a, b\]$/,
  ],
  'a scope twice': [
    rule('scopes: [a, b, a]'),
    'error',
    '8:20 rules[0].scopes[2]: stands here twice: it is the same entry as rules[0].scopes[0]',
  ],
  'rules as a map': [
    { more: 'rules:\n  path: /a\n  auth: none' },
    'error',
    'rules: must be a list, got a map',
  ],
  'rules with a name each': [
    { more: 'rules:\n  health:\n    path: /a' },
    'error',
    'each entry of a list begins with "- "',
  ],
  'rules: null': [
    { more: 'rules: null' },
    'error',
    '5:8 rules: must be a list, got null — leave the key out, or write []',
  ],
  'rules without anything': [
    { more: 'rules:' },
    'error',
    '5:7 rules: has no value — leave the key out for its default, or write []',
  ],
  'no blank after the dash': [{ more: 'rules:\n  -path: /a' }, 'error', /6:3 rules/],
  // headers, cookies, networks
  'a header with blanks': [header('"X User": sub'), 'error', 'the key must be a header name — write X-User'],
  'a header with a colon': [header('"X-User:": sub'), 'error', 'write X-User'],
  'Authorization as identity header': [
    header('Authorization: sub'),
    'error',
    'is the header of the token itself',
  ],
  'header and claim swapped': [header('sub: X-User'), 'error', 'write X-User: sub'],
  'a cookie with its value': [
    { more: 'token:\n  sources:\n    - { type: cookie, name: "a=b" }' },
    'error',
    'must be a cookie name, got "a=b" — the name alone',
  ],
  'a source that is a word': [{ more: 'token: { sources: [bearer] }' }, 'error', 'write { type: bearer }'],
  'a host name as proxy': [
    { more: 'listen: { trustedProxies: [ingress.local] }' },
    'error',
    'names are not looked up: write the addresses',
  ],
  'an address within a network': [
    { more: 'listen: { trustedProxies: [10.0.0.1/8] }' },
    'warning',
    '5:28 listen.trustedProxies[0]: is an address within a network; the whole network is believed — write 10.0.0.0/8',
  ],
  'every address as proxy': [
    { more: 'listen: { trustedProxies: [0.0.0.0/0] }' },
    'warning',
    'listen.trustedProxies: holds every IPv4 address',
  ],
  'every address in halves': [
    { more: 'listen: { trustedProxies: [0.0.0.0/1, 128.0.0.0/1] }' },
    'warning',
    'holds every IPv4 address',
  ],
  'every address, mapped': [
    { more: 'listen: { trustedProxies: ["::ffff:0:0/96"] }' },
    'warning',
    'holds every IPv4 address',
  ],
  'every IPv6 address': [
    { more: 'listen: { trustedProxies: ["::/0"] }' },
    'warning',
    'holds every IPv6 address',
  ],
  'half of all addresses': [
    { more: 'listen: { trustedProxies: [128.0.0.0/1] }' },
    'warning',
    'holds a large part of all IPv4 addresses',
  ],
  'private networks': [
    { more: 'listen: { trustedProxies: [10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, "fc00::/7"] }' },
    'valid',
    /^$/,
  ],
  // scalars
  'a port in quotes': [{ more: 'listen: { port: "8080" }' }, 'error', 'write 8080, without quotes'],
  'a port with its protocol': [{ more: 'listen: { port: 8080/tcp }' }, 'error', 'write 8080'],
  'a duration with a blank': [
    { more: 'drain: { delay: 10 s }' },
    'error',
    'write 10s; the units are 250ms, 30s, 5m and 24h',
  ],
  seconds: [{ more: 'drain: { delay: 10sec }' }, 'error', 'write 10s'],
  days: [keys('maxLifetime: 1d'), 'error', 'write 24h'],
  'hours and minutes': [keys('maxLifetime: 1h30m'), 'error', 'write 90m'],
  'a duration of ISO 8601': [{ more: 'drain: { delay: PT5S }' }, 'error', 'write 5s'],
  'a negative duration': [{ more: 'drain: { delay: -5s }' }, 'error', 'it cannot be negative'],
  'a duration that is too short': [
    keys('keys: { refresh: 200ms }'),
    'error',
    'must be at least 1s, got "200ms"',
  ],
  megabytes: [
    { more: 'listen: { maxBodySize: 1MB }' },
    'error',
    'write 1MiB; the units are 512B, 16KiB, 4MiB and 1GiB',
  ],
  'a size with a letter': [{ more: 'listen: { maxBodySize: 10m }' }, 'error', 'write 10MiB'],
  yes: [{ more: 'identity: { forwardToken: yes }' }, 'error', 'write true'],
  off: [{ more: 'websockets: { enabled: off }' }, 'error', 'write false'],
  enforced: [{ more: 'mode: enforced' }, 'error', 'did you mean "enforce"?'],
  'tls: true': [{ more: 'listen: { tls: true }' }, 'error', 'write { certFile: …, keyFile: … }'],
  'failureLimit: 0': [{ more: 'failureLimit: 0' }, 'error', 'write null to switch it off'],
  'log: debug': [{ more: 'log: debug' }, 'error', 'write { level: debug }'],
  'listen: 8081': [{ more: 'listen: 8081' }, 'error', 'write { port: 8081 }'],
  'a number with a 0 before it': [{ more: 'listen: { port: 08080 }' }, 'warning', 'is read as 8080'],
  'a hexadecimal number': [{ more: 'listen: { port: 0x1F90 }' }, 'warning', 'is read as 8080'],
  'a number with an underscore': [{ more: 'listen: { maxConnections: 10_000 }' }, 'error', 'write 10000'],
  'an upstream named by its URL': [
    { more: 'upstreams: { "http://a": "http://127.0.0.1:1" }' },
    'error',
    'write a name of your choice before the URL',
  ],
  'an upstream named default': [
    { more: 'upstreams: { default: "http://127.0.0.1:1" }' },
    'error',
    '"default" is what rules without an upstream use',
  ],
  'a host with its port': [
    { more: 'listen: { host: "127.0.0.1:8080" }' },
    'error',
    'listen.host: must be an address alone, such as 127.0.0.1 or ::1 — the port belongs under listen.port',
  ],
  'a host with a scheme': [
    { more: 'admin: { host: "http://127.0.0.1" }' },
    'error',
    'admin.host: must be an address alone',
  ],
  'every host': [{ more: 'listen: { host: "*" }' }, 'error', 'leave it out for all addresses'],
  'a server name with a port': [
    { upstream: 'upstream: { url: "https://127.0.0.1", tls: { serverName: "a.example:443" } }' },
    'error',
    'must be a name alone',
  ],
  'a token in the place of its file': [
    { more: 'admin: { tokenFile: hunter2hunter2hunter2hunter2hunter2 }' },
    'error',
    'the file cannot be read (ENOENT) — the file that is named does not exist',
  ],
  'a JWT in the place of its file': [
    keys('keys: { bearerTokenFile: eyJhbGciOiJub25lIn0.hunter2.x }'),
    'error',
    'the file that is named does not exist',
  ],
  'a key in the place of its file': [
    {
      more: 'listen:\n  tls:\n    certFile: a.pem\n    keyFile: |\n      -----BEGIN PRIVATE KEY-----\n      hunter2',
    },
    'error',
    'listen.tls.keyFile: the file cannot be read (ENOENT) — this is the text of a file; write its name',
  ],
  // placeholders
  'a variable without braces': [{ audience: '    audience: $AUDIENCE' }, 'warning', 'is taken as it stands'],
  'a variable of Kubernetes': [{ audience: '    audience: $(AUDIENCE)' }, 'warning', 'is taken as it stands'],
  'a template of Helm': [
    { audience: '    audience: "{{ .Values.audience }}"' },
    'warning',
    'is taken as it stands',
  ],
  'a default': [
    { audience: '    audience: ${AUDIENCE:-x}' },
    'error',
    '${AUDIENCE} with a default is not supported',
  ],
  'blanks in the braces': [{ audience: '    audience: ${ AUDIENCE }' }, 'error', 'write ${AUDIENCE}'],
  'a brace that is open': [
    { audience: '    audience: ${AUDIENCE' },
    'error',
    'holds a ${ that is never closed',
  ],
  'a secret that is not there': [
    {
      upstream:
        'upstream:\n  url: http://127.0.0.1:3000\n  setHeaders: { X-Key: "${file:/nonexistent/key}" }',
    },
    'error',
    'the file of ${file:/nonexistent/key} cannot be read (ENOENT): /nonexistent/key does not exist',
  ],
  'a file that is not there': [
    keys('jwksFile: /nonexistent/keys'),
    'error',
    'the file cannot be read (ENOENT) — /nonexistent/keys does not exist',
  ],
  'a directory for a file': [
    keys('jwksFile: /'),
    'error',
    'the file cannot be read (EISDIR) — / is a directory',
  ],
  // the file as a whole
  'an empty file': ['', 'error', ' is empty, or holds comments alone'],
  'comments alone': ['# upstream: x\n', 'error', ' is empty, or holds comments alone'],
  'UTF-16': [Buffer.from(`\ufeff${write({})}`, 'utf16le'), 'error', ' is UTF-16 — save it as UTF-8'],
  'UTF-16 without a mark': [Buffer.from(write({}), 'utf16le'), 'error', ' is UTF-16'],
  'Latin 1': [
    Buffer.from(write({ audience: '    audience: caf\u00e9' }), 'latin1'),
    'error',
    ' is not UTF-8',
  ],
  'a byte order mark': [`\ufeff${write({})}`, 'valid', /^$/],
  'line ends of Windows': [write({ more: 'mode: enforced' }).replaceAll('\n', '\r\n'), 'error', '5:7 mode'],
  'line ends of old': [write({}).replaceAll('\n', '\r'), 'error', 'carriage return'],
  'two documents': [`${write({})}\n---\n${write({})}`, 'error', '5:1: there are several documents'],
  'comments in JSON': [
    '{\n  // upstream\n  "upstream": "http://127.0.0.1:3000",\n  "issuers": [{ "issuer": "https://a.example", "audience": "a" }]\n}',
    'error',
    '2:3: this is no comment: comments begin with "#"',
  ],
  'a comma too few in JSON': [
    '{\n  "upstream": "http://127.0.0.1:3000"\n  "issuers": []\n}',
    'error',
    '3:3: Missing , between',
  ],
};

t.test('each mistake is told where it stands, with the way out', async (t) => {
  const cwd = t.testdir({});
  for (const [name, [text, kind, said]] of Object.entries(mistakes)) {
    const whole = typeof text === 'string' || Buffer.isBuffer(text) ? text : write(text);
    writeFileSync(join(cwd, 'a.yaml'), whole);
    const found = look(cwd);
    const usual = /listen\.trustedProxies: is empty|maxLifetime: is best/;
    const worth = found.filter((each) => !usual.test(each));
    t.notMatch(worth.join(), /hunter2/, `${name}: no password`);
    if (kind === 'valid') {
      t.same(worth, [], name);
      continue;
    }
    const fits = (each: string) =>
      typeof said === 'string' ? each.includes(said) : said.test(each.replace(/^\w+: a\.yaml:?/, ''));
    t.ok(
      worth.some((each) => each.startsWith(`${kind}: a.yaml`) && fits(each)),
      name,
      { found, said: String(said) },
    );
    const errors = worth.filter((each) => each.startsWith('error'));
    if (kind !== 'error') t.same(errors, [], `${name} is no fault`);
  }
});

function look(cwd: string): string[] {
  const say = (kind: string, faults: ConfigError['faults']) =>
    faults.map((each) => `${kind}: ${formatFault(each)}`);
  try {
    const { warnings, notes } = loadConfig({ file: 'a.yaml', env: {}, cwd });
    return [...say('warning', warnings), ...say('note', notes)];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return [...say('error', error.faults), ...say('warning', error.warnings), ...say('note', error.notes)];
  }
}

t.test('a file that cannot be read is named, with the reason in words', async (t) => {
  const cwd = t.testdir({ 'large.yaml': `# ${'x'.repeat(1024 * 1024)}` });
  mkdirSync(join(cwd, 'folder.yaml'));
  const of = (file: string) => {
    try {
      loadConfig({ file, env: {}, cwd });
      return '';
    } catch (error) {
      return (error as Error).message;
    }
  };
  t.equal(of('none.yaml'), `none.yaml: cannot be read (ENOENT) — ${cwd}/none.yaml does not exist`);
  t.equal(of('folder.yaml'), `folder.yaml: cannot be read (EISDIR) — ${cwd}/folder.yaml is a directory`);
  t.equal(of('large.yaml'), 'large.yaml: is larger than 1 MiB');
  t.match(
    of('large.yaml/x'),
    /^large\.yaml\/x: cannot be read \(ENOTDIR\) — .* does not exist: a part of its path/,
  );
});
