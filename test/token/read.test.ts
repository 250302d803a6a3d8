import t from 'tap';
import { isRefusal } from '../../src/errors.ts';
import { readToken } from '../../src/token/read.ts';
import { part } from '../helpers/forge.ts';
import { reasonOf } from './fixture.ts';

const header = { alg: 'RS256', kid: 'one' };
const claims = { iss: 'https://idp.example.com', sub: 'user-1' };

/** A token of these three parts, objects as JSON, with a signature of three bytes. */
function token(first: object | string = header, second: object | string = claims, third = 'c2ln'): string {
  return `${part(first)}.${part(second)}.${third}`;
}

const cases: { name: string; token: string; outcome: string }[] = [
  { name: 'three parts', token: token(), outcome: 'ok' },
  { name: 'an empty signature, which no algorithm accepts', token: token(header, claims, ''), outcome: 'ok' },
  { name: 'no iss', token: token(header, { sub: 'a' }), outcome: 'ok' },
  { name: 'iss null', token: token(header, { iss: null }), outcome: 'ok' },
  { name: 'no kid', token: token({ alg: 'RS256' }), outcome: 'ok' },
  { name: 'nothing', token: '', outcome: 'token_malformed' },
  { name: 'one part', token: 'abcd', outcome: 'token_malformed' },
  { name: 'two parts', token: `${part(header)}.${part(claims)}`, outcome: 'token_malformed' },
  { name: 'four parts', token: `${token()}.c2ln`, outcome: 'token_malformed' },
  { name: 'five parts', token: `${token()}.c2ln.c2ln`, outcome: 'header_not_supported' },
  { name: 'five parts, nothing decoded', token: 'a.b.c.d.e', outcome: 'header_not_supported' },
  {
    name: 'five parts, one empty as in direct encryption',
    token: 'a..c.d.e',
    outcome: 'header_not_supported',
  },
  { name: 'two tokens with a comma', token: 'a.b.c,d.e.f', outcome: 'token_malformed' },
  { name: 'two tokens with a space', token: 'a.b.c d.e.f', outcome: 'token_malformed' },
  { name: 'six parts', token: 'a.b.c.d.e.f', outcome: 'token_malformed' },
  { name: 'three empty parts', token: '..', outcome: 'token_malformed' },
  {
    name: 'JSON serialization',
    token: JSON.stringify({ payload: part(claims), protected: part(header), signature: '' }),
    outcome: 'token_malformed',
  },
  { name: 'a token in the payload', token: token(header, token()), outcome: 'token_malformed' },
  { name: 'Bearer before', token: `Bearer ${token()}`, outcome: 'token_malformed' },
  { name: 'a space after', token: `${token()} `, outcome: 'token_malformed' },
  { name: 'a tab before', token: `\t${token()}`, outcome: 'token_malformed' },
  { name: 'a line feed after', token: `${token()}\n`, outcome: 'token_malformed' },
  { name: 'padding in the header', token: token().replace('.', '=.'), outcome: 'token_malformed' },
  {
    name: 'padding after the signature',
    token: `${token(header, claims, 'c2k')}=`,
    outcome: 'token_malformed',
  },
  { name: 'trailing bits in the signature', token: token(header, claims, 'c2l'), outcome: 'token_malformed' },
  { name: 'the standard alphabet', token: token(header, claims, 'a+/a'), outcome: 'token_malformed' },
  { name: 'a header that is null', token: token('null'), outcome: 'token_malformed' },
  { name: 'a header that is a list', token: token([]), outcome: 'token_malformed' },
  { name: 'a header that is a string', token: token('"a"'), outcome: 'token_malformed' },
  {
    name: 'a header that names alg twice',
    token: token('{"alg":"RS256","alg":"none"}'),
    outcome: 'token_malformed',
  },
  { name: 'a payload that is null', token: token(header, 'null'), outcome: 'token_malformed' },
  { name: 'a payload that is a number', token: token(header, '1'), outcome: 'token_malformed' },
  { name: 'a payload that is a list', token: token(header, '[]'), outcome: 'token_malformed' },
  { name: 'a payload that is empty', token: token(header, ''), outcome: 'token_malformed' },
  {
    name: 'a payload that names sub twice',
    token: token(header, '{"sub":"a","\\u0073ub":"b"}'),
    outcome: 'token_malformed',
  },
  {
    name: 'a payload that is not UTF-8',
    token: token(header, Buffer.from('{"sub":"\xff"}', 'latin1')),
    outcome: 'token_malformed',
  },
  { name: 'kid null', token: token({ ...header, kid: null }), outcome: 'token_malformed' },
  { name: 'kid a number', token: token({ ...header, kid: 1 }), outcome: 'token_malformed' },
  { name: 'kid an object', token: token({ ...header, kid: { a: 1 } }), outcome: 'token_malformed' },
  {
    name: 'iss a list',
    token: token(header, { iss: ['https://idp.example.com'] }),
    outcome: 'token_malformed',
  },
  { name: 'iss a number', token: token(header, { iss: 0 }), outcome: 'token_malformed' },
  { name: 'iss false', token: token(header, { iss: false }), outcome: 'token_malformed' },
  { name: 'iss an object', token: token(header, { iss: {} }), outcome: 'token_malformed' },
];

for (const { name, token, outcome } of cases) {
  t.test(`${name}: ${outcome}`, async (t) => {
    t.equal(reasonOf(readToken(token, 8192)), outcome);
  });
}

t.test('takes a token apart', async (t) => {
  const text = token();
  t.strictSame(readToken(text, 8192), {
    text,
    header,
    claims,
    payload: part(claims),
    signingInput: Buffer.from(`${part(header)}.${part(claims)}`),
    signature: Buffer.from('sig'),
    issuer: 'https://idp.example.com',
    kid: 'one',
  });
});

t.test('a letter beyond ASCII is not the one that shares its last bits', async (t) => {
  const text = token();
  for (const at of [0, text.indexOf('.') + 1, text.length - 1]) {
    const letter = String.fromCodePoint(text.charCodeAt(at) + 0x100);
    const spelt = text.slice(0, at) + letter + text.slice(at + 1);
    t.equal(reasonOf(readToken(spelt, 8192)), 'token_malformed', letter);
  }
});

t.test('an empty iss is a missing one', async (t) => {
  const read = readToken(token(header, { iss: '' }), 8192);
  t.equal(isRefusal(read) ? read.refused : read.issuer, undefined);
});

t.test('the size is looked at before anything else', async (t) => {
  const text = token();
  t.equal(reasonOf(readToken(text, text.length)), 'ok');
  t.equal(reasonOf(readToken(text, text.length - 1)), 'token_too_large');
  t.equal(reasonOf(readToken('.'.repeat(1_000_000), 8192)), 'token_too_large');
  t.equal(reasonOf(readToken('a.b.c.d.e', 8)), 'token_too_large');
});

t.test('a million dots are not even split', async (t) => {
  let looks = 0;
  const dots = {
    length: 1_000_000,
    indexOf: (_dot: string, from = 0) => {
      looks++;
      return from;
    },
  };
  t.equal(reasonOf(readToken(dots as unknown as string, 1_000_000)), 'token_malformed');
  t.ok(looks <= 6);
});
