import t from 'tap';
import { forge, part } from '../helpers/forge.ts';
import { bearer, startScene, type Verdicts } from './scene.ts';

const asBearer = (token: string) => ({ headers: bearer(token) });
/** Forged tokens would block the tests' one client. */
const unlimited = { failureLimit: null };

t.test('headers that change how a token is read', async (t) => {
  const { issuer, ...scene } = await startScene(t, unlimited);
  const good = issuer.mint();
  const [head = '', payload = '', signed = ''] = good.split('.');
  const mint = (header: object) => issuer.mint({ header: { ...header } });
  const table: Verdicts<string> = {
    header_not_supported: {
      'crit with a name that is known': mint({ crit: ['exp'], exp: 1 }),
      'crit with one that is not': mint({ crit: ['x-unknown'], 'x-unknown': 1 }),
      'crit that is empty': mint({ crit: [] }),
      'crit null': mint({ crit: null }),
      'b64 false': mint({ crit: ['b64'], b64: false }),
      'b64 true': mint({ b64: true }),
      zip: mint({ zip: 'DEF' }),
      'a JWE of five parts': `${part({ alg: 'dir', enc: 'A256GCM' })}..AAAA.AAAA.AAAA`,
      'five parts of a good token': `${good}.AAAA.AAAA`,
    },
    type_mismatch: {
      'a logout token': mint({ typ: 'logout+jwt' }),
      'a logout token in capitals': mint({ typ: 'application/LOGOUT+JWT' }),
      'a DPoP proof': mint({ typ: 'dpop+jwt' }),
      'a security event': mint({ typ: 'secevent+jwt' }),
      'a refresh token': mint({ typ: 'rt+jwt' }),
    },
    token_malformed: {
      'JWS in its JSON form': JSON.stringify({
        payload,
        signatures: [{ protected: head, signature: signed }],
      }),
      'a JWT in a JWT': forge({
        header: { alg: 'RS256', cty: 'JWT', kid: issuer.signingKey.kid },
        payload: good,
        alg: 'RS256',
        key: issuer.privateKey(),
      }),
    },
  };
  await scene.judges(t, table, asBearer);
});

t.test('what is not three parts of base64url that hold JSON objects', async (t) => {
  const { issuer, ...scene } = await startScene(t, unlimited);
  const { kid } = issuer.signingKey;
  const good = issuer.mint();
  const [head = '', payload = '', signed = ''] = good.split('.');
  const header = JSON.stringify({ alg: 'RS256', kid });
  const claims = Buffer.from(payload, 'base64url').toString();
  // Each is soundly signed: it is its form that must be refused.
  const signs = (headerText: string | Buffer, payloadText: string | Buffer) =>
    forge({
      header: headerText as string,
      payload: payloadText as string,
      alg: 'RS256',
      key: issuer.privateKey(),
    });
  const nested = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;
  const texts: Record<string, string | Buffer> = {
    null: 'null',
    'a number': '1',
    'a text': '"x"',
    'a list': '[]',
    nothing: '',
    'half an object': '{"iss":',
    'two objects': '{}{}',
    'no UTF-8': Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
    'a byte order mark': '\ufeff{}',
    'a hundred levels': nested(100),
    __proto__: '{"__proto__":{"alg":"RS256"}}',
    'a member twice': '{"iss":"a","iss":"b"}',
    'a member twice, once escaped': '{"iss":"a","\\u0069ss":"b"}',
  };
  const malformed: Record<string, string> = {
    'one part': 'x',
    'two parts': `${head}.${payload}`,
    'four parts': `${good}.AAAA`,
    'three empty parts': '..',
    'a part that is empty': `.${payload}.${signed}`,
    'padding on the header': `${head}=.${payload}.${signed}`,
    'padding on the signature': `${good}==`,
    'a space within': `${head}. ${payload}.${signed}`,
    'a plus of plain base64': `${head}.${payload}.+${signed.slice(1)}`,
    'a slash of plain base64': `${head}.${payload}./${signed.slice(1)}`,
    'bits beyond the last byte': `${good.slice(0, -1)}${nextLetter(good.at(-1) ?? '')}`,
    'quotes around': `"${good}"`,
    'exp of infinite size': signs(header, claims.replace(/"exp":\d+/, '"exp":1e1000000')),
    'exp as hexadecimal': signs(header, claims.replace(/"exp":\d+/, '"exp":0xffffffff')),
  };
  for (const [name, text] of Object.entries(texts)) {
    malformed[`${name} as header`] = signs(text, claims);
    malformed[`${name} as payload`] = signs(header, text);
  }
  const table: Verdicts<string> = {
    ok: {
      'a sound one': signs(header, claims),
      'one with blanks in its JSON': signs(`${header} `, ` ${claims}\n`),
    },
    token_malformed: malformed,
    token_too_large: {
      'dots by the thousand': '.'.repeat(20_000),
      'a long signature': `${good}${'A'.repeat(8192)}`,
    },
  };
  await scene.judges(t, table, asBearer);
  const huge = await scene.gateway.request(asBearer('.'.repeat(40_000)));
  t.equal(huge.json().code, 'headers_too_large', 'what is longer than all headers may be');
});

/** The last letter of base64url with a bit set that belongs to no byte. */
function nextLetter(letter: string): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return letters[letters.indexOf(letter) + 1] ?? 'B';
}
