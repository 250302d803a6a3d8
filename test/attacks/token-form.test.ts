import t from 'tap';
import { forge, part } from '../helpers/forge.ts';
import { bearing, startTarget, type Verdicts } from './harness.ts';

// Base64url and JSON that two readers take for two things: RFC 7515 section 2, RFC 8725 sections 2.6 and 3.7; CVE-2022-39227 (one
// token as compact and as JSON), and of a size that costs: CVE-2025-30204 (dots by the million).

const target = await startTarget(t);
const { privateKey } = target.keys.rs256;
const good = target.mint();
const [head = '', payload = '', signed = ''] = good.split('.');
const header = Buffer.from(head, 'base64url').toString();
const claims = Buffer.from(payload, 'base64url').toString();
/** Soundly signed: it is its form that must be refused. */
const signs = (header: string | Buffer, payload: string | Buffer) =>
  forge({ header: header as string, payload: payload as string, alg: 'RS256', key: privateKey });
const without = (text: string) => text.slice(0, -1);

t.test('base64url in another spelling', async (t) => {
  const last = nextLetter(signed.at(-1) ?? '');
  const table: Verdicts<string> = {
    ok: { 'the token as it is': good },
    token_malformed: {
      'padding on the header': `${head}=.${payload}.${signed}`,
      'padding on the payload': `${head}.${payload}=.${signed}`,
      'padding on the signature': `${good}==`,
      'padding by one too many': `${good}===`,
      'padding, percent-encoded': `${good}%3D%3D`,
      'a space within': `${head}. ${payload}.${signed}`,
      'a space in the signature': `${head}.${payload}.${signed.slice(0, 20)} ${signed.slice(20)}`,
      'a tab within': `${head}.${payload}.\t${signed}`,
      'a plus of plain base64': `${head}.${payload}.+${signed.slice(1)}`,
      'a slash of plain base64': `${head}.${payload}./${signed.slice(1)}`,
      'a comma': `${head}.${payload}.,${signed.slice(1)}`,
      'a star': `${head}.${payload}.*${signed}`,
      'a letter beyond ASCII': `${head}.${payload}.\xe9${signed}`,
      'bits beyond the last byte': `${without(good)}${last}`,
      'a letter too few to make a byte': `${good}AAA`,
      'a stray letter on the header': `${head}A.${payload}.${signed}`,
      'plain base64 of the signature': `${head}.${payload}.${Buffer.from(signed, 'base64url').toString('base64')}`,
      hexadecimal: `${head}.${payload}.${Buffer.from(signed, 'base64url').toString('hex').replace(/./g, '$&=')}`,
      'dots percent-encoded': good.replaceAll('.', '%2e'),
      'quotes around': `"${good}"`,
      'brackets around': `<${good}>`,
      'a null byte as an escape': `${good}%00`,
    },
  };
  await target.judges(t, table, bearing);
});

t.test('a number of parts other than three', async (t) => {
  const table: Verdicts<string> = {
    token_malformed: {
      'one part': 'x',
      'a dot': '.',
      'two parts': `${head}.${payload}`,
      'four parts': `${good}.AAAA`,
      'four parts, the last one empty': `${good}.`,
      'a part in front': `.${good}`,
      'six parts': `${good}.AAAA.AAAA.AAAA`,
      'three empty parts': '..',
      'no header': `.${payload}.${signed}`,
      'no payload': `${head}..${signed}`,
      'a detached payload, soundly signed': signs(header, '').replace(/\.[^.]*\./, '..'),
      'JWS in its general JSON form': JSON.stringify({
        payload,
        signatures: [{ protected: head, signature: signed }],
      }),
      'JWS in its flattened JSON form': JSON.stringify({ payload, protected: head, signature: signed }),
      'compact and JSON at once': `{"${head}.${part({ ...JSON.parse(claims), sub: 'root' })}.":"","protected":"${head}","payload":"${payload}","signature":"${signed}"}`,
      'two tokens and a dot': `${good}.${good}`,
    },
    token_too_large: {
      'dots by the thousand': '.'.repeat(20_000),
      'a long signature': `${good}${'A'.repeat(16_384)}`,
      'a long header': `${'A'.repeat(17_000)}.${payload}.${signed}`,
      'a long payload': signs(header, claims.replace('{', `{"x":"${'y'.repeat(14_000)}",`)),
      'deep lists': signs(header, `${'['.repeat(12_600)}${']'.repeat(200)}`),
    },
    header_not_supported: { 'a token after a token': `${good}${good}` },
  };
  await target.judges(t, table, bearing);
  const before = target.upstream.bytes;
  t.equal((await target.send(bearing('.'.repeat(40_000)))).status, 431, 'longer than all headers may be');
  t.equal(target.upstream.bytes, before);
});

t.test('a header or payload that is not one plain JSON object', async (t) => {
  const nested = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;
  const inside = (member: string, text: string) => text.replace('{', `{${member},`);
  const texts: Record<string, string | Buffer> = {
    null: 'null',
    'a number': '1',
    'a text': '"x"',
    'a list': '[]',
    true: 'true',
    nothing: '',
    blanks: ' ',
    'half an object': '{"iss":',
    'two objects': '{}{}',
    'a comment': '/**/{}',
    NaN: 'NaN',
  };
  const broken = (text: string): Record<string, string | Buffer> => ({
    'no UTF-8': Buffer.concat([
      Buffer.from('{"x":"'),
      Buffer.from([0xff]),
      Buffer.from(`",${text.slice(1)}`),
    ]),
    'overlong UTF-8': Buffer.concat([
      Buffer.from('{"x":"'),
      Buffer.from([0xc0, 0xae]),
      Buffer.from(`",${text.slice(1)}`),
    ]),
    'a surrogate as UTF-8': Buffer.concat([
      Buffer.from('{"x":"'),
      Buffer.from([0xed, 0xa0, 0x80]),
      Buffer.from(`",${text.slice(1)}`),
    ]),
    'UTF-16': Buffer.from(`\ufeff${text}`, 'utf16le'),
    'a byte order mark': `\ufeff${text}`,
    'a NUL after it': `${text}\0`,
    'a raw newline in a text': inside('"x":"a\nb"', text),
    'a trailing comma': text.replace(/\}$/, ',}'),
    'single quotes': text.replaceAll('"', "'"),
    'a name without quotes': inside('x:1', text),
    'an hexadecimal number': inside('"x":0x10', text),
    'a leading zero': inside('"x":01', text),
    'a plus sign': inside('"x":+1', text),
    'an infinite number': inside('"x":Infinity', text),
    'a hundred levels': inside(`"x":${nested(100)}`, text),
    'a thousand lists': inside(`"x":${'['.repeat(1000)}${']'.repeat(1000)}`, text),
    __proto__: inside('"__proto__":{"admin":true}', text),
    '__proto__, escaped': inside('"__pr\\u006fto__":{"admin":true}', text),
    '__proto__ further down': inside('"x":[{"__proto__":null}]', text),
    'a name twice': inside('"x":1,"x":1', text),
    'a name twice, once escaped': inside('"x":1,"\\u0078":2', text),
    'a name twice, further down': inside('"x":{"y":[{"z":1,"z":2}]}', text),
  });
  const malformed: Record<string, string> = {
    'alg twice, none last': signs(header.replace('}', ',"alg":"none"}'), claims),
    'alg twice, none first': signs(header.replace('{', '{"alg":"none",'), claims),
    'kid twice': signs(header.replace('{', '{"kid":"x",'), claims),
    'sub twice': signs(header, claims.replace('{', '{"sub":"root",')),
    'iss twice': signs(header, claims.replace('{', '{"iss":"https://evil.example",')),
    'exp twice': signs(header, claims.replace('{', '{"exp":9999999999,')),
    'exp of infinite size': signs(header, claims.replace(/"exp":\d+/, '"exp":1e1000000')),
  };
  for (const [name, text] of Object.entries(texts)) {
    malformed[`${name} as header`] = signs(text, claims);
    malformed[`${name} as payload`] = signs(header, text);
  }
  for (const [name, text] of Object.entries(broken(header)))
    malformed[`${name} in the header`] = signs(text, claims);
  for (const [name, text] of Object.entries(broken(claims)))
    malformed[`${name} in the payload`] = signs(header, text);
  const table: Verdicts<string> = {
    ok: {
      'a sound one': signs(header, claims),
      'blanks in its JSON': signs(`${header} `, ` ${claims}\n`),
      'escapes in names': signs(
        header.replace('"kid"', '"\\u006bid"'),
        claims.replace('"sub"', '"\\u0073ub"'),
      ),
      'one name in two objects': signs(header, claims.replace('{', '{"x":{"sub":"root"},')),
      'constructor and prototype': signs(
        header,
        claims.replace('{', '{"constructor":{"prototype":{"admin":true}},'),
      ),
      'thirty levels': signs(header, claims.replace('{', `{"x":${nested(30)},`)),
    },
    token_malformed: malformed,
  };
  await target.judges(t, table, bearing);
});

/** The last letter of base64url with a bit set that belongs to no byte. */
function nextLetter(letter: string): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return letters[letters.indexOf(letter) + 1] ?? 'B';
}
