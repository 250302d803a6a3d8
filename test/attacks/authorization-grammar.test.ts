import t from 'tap';
import { ask, startTarget, type Verdicts } from './harness.ts';

// The Authorization header and what resembles it, read as RFC 6750 section 2.1 and RFC 9110 section 11 have it: one header, one
// scheme in any case, one token.

const target = await startTarget(t);
const token = target.mint();
const [head = '', payload = ''] = token.split('.');
type Fields = readonly string[];

const table: Verdicts<Fields> = {
  ok: {
    'as everybody writes it': [`Authorization: Bearer ${token}`],
    'the scheme in lower case': [`Authorization: bearer ${token}`],
    'the scheme in capitals': [`Authorization: BEARER ${token}`],
    'the scheme in any case': [`AUTHORIZATION: bEaReR ${token}`],
    'several spaces': [`authorization: Bearer    ${token}`],
    'blanks around the value': [`Authorization:  \tBearer ${token} \t `],
    'no blank after the colon': [`Authorization:Bearer ${token}`],
  },
  token_missing: {
    nothing: [],
    'an empty value': ['Authorization:'],
    Basic: [`Authorization: Basic ${token}`],
    'Basic with the token as password': [
      `Authorization: Basic ${Buffer.from(`x:${token}`).toString('base64')}`,
    ],
    Digest: [`Authorization: Digest username="x", response="${token}"`],
    DPoP: [`Authorization: DPoP ${token}`],
    'no scheme': [`Authorization: ${token}`],
    Token: [`Authorization: Token ${token}`],
    'a scheme that only begins so': [`Authorization: Bearerx ${token}`],
    'a scheme that ends so': [`Authorization: xBearer ${token}`],
    'Bearer in quotes': [`Authorization: "Bearer" ${token}`],
    'an underscore for the name': [`Authorization_: Bearer ${token}`],
    'Proxy-Authorization': [`Proxy-Authorization: Bearer ${token}`],
    'X-Authorization': [`X-Authorization: Bearer ${token}`],
    'X-Forwarded-Authorization': [`X-Forwarded-Authorization: Bearer ${token}`],
    'X-Forwarded-Access-Token': [`X-Forwarded-Access-Token: ${token}`],
    'X-Auth-Token': [`X-Auth-Token: ${token}`],
    'a cookie': [`Cookie: token=${token}; access_token=${token}; Authorization=Bearer ${token}`],
    'Sec-WebSocket-Protocol': [`Sec-WebSocket-Protocol: bearer, ${token}`],
  },
  token_malformed: {
    'the scheme alone': ['Authorization: Bearer'],
    'the scheme and blanks': ['Authorization: Bearer   '],
    'a tab for the space': [`Authorization: Bearer\t${token}`],
    'a tab after the space': [`Authorization: Bearer \t${token}`],
    'a space beyond ASCII': [`Authorization: Bearer \xa0${token}`],
    'a colon': [`Authorization: Bearer: ${token}`],
    'an equals sign': [`Authorization: Bearer=${token}`],
    quotes: [`Authorization: Bearer "${token}"`],
    'a parameter for it': [`Authorization: Bearer token="${token}"`],
    'a parameter after it': [`Authorization: Bearer ${token}, realm="x"`],
    'two, with a comma': [`Authorization: Bearer ${token}, Bearer ${token}`],
    'two, with a comma and no scheme': [`Authorization: Bearer ${token},${token}`],
    'two, with a space': [`Authorization: Bearer ${token} ${token}`],
    'two, with a semicolon': [`Authorization: Bearer ${token};${token}`],
    'the scheme twice': [`Authorization: Bearer Bearer ${token}`],
    'Basic before it': [`Authorization: Bearer Basic ${token}`],
    'a comma before it': [`Authorization: Bearer ,${token}`],
    'a comma after it': [`Authorization: Bearer ${token},`],
    'percent-encoded': [`Authorization: Bearer ${token.replaceAll('.', '%2E')}`],
    'an entity': [`Authorization: Bearer ${token.replaceAll('.', '&#46;')}`],
    'cut off': [`Authorization: Bearer ${head}.${payload}`],
    'the word null': ['Authorization: Bearer null'],
    'the word undefined': ['Authorization: Bearer undefined'],
    'an object': ['Authorization: Bearer [object Object]'],
  },
  token_ambiguous: {
    'two equal headers': [`Authorization: Bearer ${token}`, `Authorization: Bearer ${token}`],
    'two in two cases': [`Authorization: Bearer ${token}`, `authorization: Bearer ${token}`],
    'two different ones': [`Authorization: Bearer ${token}`, 'Authorization: Bearer x'],
    'a bad one first': ['Authorization: Bearer x', `Authorization: Bearer ${token}`],
    'another scheme first': ['Authorization: Basic eA==', `Authorization: Bearer ${token}`],
    'another scheme after it': [`Authorization: Bearer ${token}`, 'Authorization: Basic eA=='],
    'an empty one first': ['Authorization:', `Authorization: Bearer ${token}`],
    'an empty one after it': [`Authorization: Bearer ${token}`, 'Authorization:'],
    'two empty ones': ['Authorization:', 'Authorization: '],
    'far apart': [`Authorization: Bearer ${token}`, 'X-A: 1', 'X-B: 2', 'authorization: Bearer x'],
    'nominated in Connection': [
      `Authorization: Bearer ${token}`,
      'Connection: authorization',
      'AUTHORIZATION: x',
    ],
  },
  request_malformed: {
    'folded over two lines': ['Authorization: Bearer', ` ${token}`],
    'a space before the colon': [`Authorization : Bearer ${token}`],
    'NUL in it': [`Authorization: Bearer ${token}\0`],
    'a bare CR in it': [`Authorization: Bearer ${token}\rX: y`],
    'a line that begins with a blank': [` Authorization: Bearer ${token}`],
  },
};

t.test('Authorization', async (t) => {
  const { request_malformed, ...others } = table;
  await target.judges(t, others, (fields) => ask('GET /required/x', ...fields));
  for (const [name, fields] of Object.entries(request_malformed ?? {})) {
    const before = target.upstream.bytes;
    const answer = await target.send(ask('GET /required/x', ...fields));
    t.equal(answer.status, 400, name);
    t.equal(target.upstream.bytes, before, `${name}: the upstream sees nothing`);
  }
});

t.test('a token in the target or the body is no token', async (t) => {
  const form = `access_token=${token}`;
  const requests: Record<string, string> = {
    'the query': ask(`GET /required/x?access_token=${token}`),
    'the query, in capitals': ask(`GET /required/x?ACCESS_TOKEN=${token}&token=${token}`),
    'the query as a header': ask(`GET /required/x?Authorization=Bearer%20${token}`),
    'the path': ask(`GET /required/${token}`),
    'the body': `${ask('POST /required/x', 'Content-Type: application/x-www-form-urlencoded', `Content-Length: ${form.length}`)}${form}`,
    'a trailer': `${ask('POST /required/x', 'Transfer-Encoding: chunked', 'Trailer: Authorization')}0\r\nAuthorization: Bearer ${token}\r\n\r\n`,
  };
  await target.judges(t, { token_missing: requests }, (bytes) => bytes);
});

t.test('what is no token on an optional rule is nobody; what is a bad one is refused', async (t) => {
  const { token_missing, token_malformed, token_ambiguous } = table;
  await target.judges(
    t,
    { token_malformed: token_malformed ?? {}, token_ambiguous: token_ambiguous ?? {} },
    (fields) => ask('GET /optional/x', ...fields),
  );
  for (const [name, fields] of Object.entries(token_missing ?? {})) {
    const hop = /^(?:proxy-authorization|x-forwarded-)/i;
    await target.allows(t, name, ask('GET /optional/x', ...fields), {
      identity: null,
      fields: fields.filter((field) => !hop.test(field)).map((field) => field.replace(/: *$/, ': ')),
    });
  }
});
