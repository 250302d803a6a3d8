import * as zlib from 'node:zlib';
import t from 'tap';
import { decodeBody } from '../../src/keys/decode.ts';

const document = Buffer.from(JSON.stringify({ keys: [{ kty: 'EC', x: 'x'.repeat(500) }] }));
const limits = { maxSize: 1024, name: 'https://idp.example.com/jwks' };
const coded: Readonly<Record<string, Buffer>> = {
  gzip: zlib.gzipSync(document),
  deflate: zlib.deflateSync(document),
  br: zlib.brotliCompressSync(document),
  zstd: zlib.zstdCompressSync(document),
};

t.test('a body comes out as it was before it was compressed', async (t) => {
  const raw = zlib.deflateRawSync(document);
  const twice = zlib.gzipSync(coded.br as Buffer);
  const cases: { name: string; header: string | string[] | undefined; body: Buffer }[] = [
    ...Object.entries(coded).map(([name, body]) => ({ name, header: name, body })),
    { name: 'none', header: undefined, body: document },
    { name: 'identity', header: 'identity', body: document },
    { name: 'an empty header', header: ' , ', body: document },
    { name: 'x-gzip', header: 'x-gzip', body: coded.gzip as Buffer },
    { name: 'in capitals', header: ' GZIP ', body: coded.gzip as Buffer },
    { name: 'deflate without a header of its own', header: 'deflate', body: raw },
    { name: 'two, the last one applied last', header: 'br, gzip', body: twice },
    { name: 'two in two lines', header: ['br', 'gzip'], body: twice },
    { name: 'beside identity', header: 'identity, gzip', body: coded.gzip as Buffer },
    {
      name: 'in two members',
      header: 'gzip',
      body: Buffer.concat([zlib.gzipSync(document.subarray(0, 9)), zlib.gzipSync(document.subarray(9))]),
    },
  ];
  for (const { name, header, body } of cases) {
    const decoded = await decodeBody(body, header, limits);
    t.equal(Buffer.from(decoded).toString(), document.toString(), name);
  }
});

t.test('a bomb is given up at the limit', async (t) => {
  const zeros = Buffer.alloc(64 * 1024 * 1024);
  const bombs: Readonly<Record<string, Buffer>> = {
    gzip: zlib.gzipSync(zeros),
    deflate: zlib.deflateSync(zeros),
    br: zlib.brotliCompressSync(zeros, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 1 } }),
    zstd: zlib.zstdCompressSync(zeros),
  };
  for (const [coding, body] of Object.entries(bombs)) {
    const expected = { code: 'too_large', message: /more than 262144 bytes once it is decoded/ };
    await t.rejects(decodeBody(body, coding, { ...limits, maxSize: 262_144 }), expected, coding);
  }
  const nested = zlib.gzipSync(bombs.gzip as Buffer);
  await t.rejects(decodeBody(nested, 'gzip, gzip', { ...limits, maxSize: 262_144 }), { code: 'too_large' });
});

t.test('the limit is exact', async (t) => {
  for (const [coding, body] of Object.entries(coded)) {
    const exact = { ...limits, maxSize: document.length };
    t.equal((await decodeBody(body, coding, exact)).length, document.length, coding);
    const less = { ...limits, maxSize: document.length - 1 };
    await t.rejects(decodeBody(body, coding, less), { code: 'too_large' }, coding);
  }
});

t.test('what cannot be decoded is refused by its name', async (t) => {
  const cases: { name: string; header: string; body?: Uint8Array; message: RegExp }[] = [
    { name: 'an unknown coding', header: 'compress', message: /unknown Content-Encoding compress$/ },
    {
      name: 'an unknown one among known ones',
      header: 'gzip, aes128gcm',
      message: /Content-Encoding aes128gcm$/,
    },
    {
      name: 'one that is not there',
      header: 'gzip',
      body: document,
      message: /says Content-Encoding: gzip, and is not gzip/,
    },
    { name: 'another one', header: 'br', message: /and is not br/ },
    { name: 'cut short', header: 'gzip', body: (coded.gzip as Buffer).subarray(0, 40), message: /not gzip/ },
    { name: 'nothing', header: 'gzip', body: Buffer.alloc(0), message: /not gzip/ },
    { name: 'a chain', header: 'gzip,gzip,gzip,gzip', message: /encoded 4 times over/ },
    {
      name: 'a name like an object member',
      header: '__proto__',
      message: /unknown Content-Encoding __proto__/,
    },
    {
      name: 'a name that would break a line',
      header: `a\nb${'c'.repeat(100)}`,
      message: /Content-Encoding a\?bc{37}$/,
    },
  ];
  for (const { name, header, body = coded.gzip as Buffer, message } of cases)
    await t.rejects(decodeBody(body, header, limits), { code: 'content_coding', message }, name);
});
