import t from 'tap';
import { part } from '../helpers/forge.ts';
import { makeKey } from '../helpers/key.ts';
import { bearing, ownConfig, startTarget, type Verdicts } from './harness.ts';

// Signatures of something else, of somebody else or of another length, with RSA keys of 2048 to 4096 bits.

t.test('one changed bit, byte or part', ownConfig, async (t) => {
  const keys = await Promise.all([2048, 3072, 4096].map((bits) => makeKey('RS256', { bits })));
  const curves = await Promise.all(
    (['ES256', 'ES384', 'ES512', 'EdDSA', 'PS256'] as const).map((alg) => makeKey(alg)),
  );
  const target = await startTarget(t, {
    trust: { algorithms: ['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA'] },
  });
  target.issuer.publish([...keys, ...curves].map((key) => key.publicJwk));
  for (const key of [...keys, ...curves]) {
    const token = target.mint({ key });
    const [head = '', payload = '', signed = ''] = token.split('.');
    const bytes = Buffer.from(signed, 'base64url');
    const signedWith = (bytes: Buffer) => `${head}.${payload}.${bytes.toString('base64url')}`;
    const [, other = ''] = target.mint({ key, claims: { sub: 'root' } }).split('.');
    const bits = [0, 7, bytes.length * 4, bytes.length * 8 - 1];
    const stranger = await makeKey(key.alg, { kid: key.kid });
    const table: Verdicts<string> = {
      ok: { 'a sound one': token },
      signature_invalid: {
        ...Object.fromEntries(bits.map((bit) => [`bit ${bit} changed`, signedWith(flip(bytes, bit))])),
        'other claims': `${head}.${other}.${signed}`,
        'another header': `${part({ alg: key.alg, kid: key.kid, typ: 'x' })}.${payload}.${signed}`,
        'all zeros': signedWith(Buffer.alloc(bytes.length)),
        'all ones': signedWith(Buffer.alloc(bytes.length, 0xff)),
        reversed: signedWith(Buffer.from(bytes).reverse()),
        'a zero in front': signedWith(Buffer.concat([Buffer.alloc(1), bytes])),
        'a zero at the end': signedWith(Buffer.concat([bytes, Buffer.alloc(1)])),
        'the first byte gone': signedWith(bytes.subarray(1)),
        'the last byte gone': signedWith(bytes.subarray(0, -1)),
        empty: signedWith(Buffer.alloc(0)),
        'one byte': signedWith(Buffer.alloc(1)),
        'by a stranger under the same name': target.mint({ key: stranger }),
      },
    };
    const named = Object.fromEntries(
      Object.entries(table).map(([verdict, cases]) => [verdict, prefix(name(key), cases)]),
    );
    await target.judges(t, named as Verdicts<string>, bearing);
  }
});

function name({
  alg,
  publicKey,
}: {
  alg: string;
  publicKey: { asymmetricKeyDetails?: { modulusLength?: number } };
}): string {
  return `${alg} ${publicKey.asymmetricKeyDetails?.modulusLength ?? ''}`.trim();
}

function prefix<T>(text: string, cases: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(cases).map(([name, each]) => [`${text}, ${name}`, each]));
}

function flip(bytes: Buffer, bit: number): Buffer {
  const flipped = Buffer.from(bytes);
  flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (0x80 >> (bit & 7));
  return flipped;
}
