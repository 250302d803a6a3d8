import { createPrivateKey, createPublicKey } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { JWK } from 'jose';
import { type Algorithm, makeKey, type TestKey } from '../helpers/key.ts';

/** What the issuer publishes: keys of algorithms that the policy allows, and of two that it does not. */
const published = ['RS256', 'ES256', 'RS512', 'PS256'] as const satisfies readonly Algorithm[];

export interface PolicyKeys {
  readonly rs256: TestKey;
  readonly es256: TestKey;
  /** Published, and of no algorithm that the policy allows. */
  readonly rs512: TestKey;
  readonly ps256: TestKey;
}

/**
 * The issuer's keys: new ones, or with a file those in it, so that a gateway which keeps keys finds the same ones in
 * every test file. The file is written where it is missing.
 */
export async function policyKeys(file: string | undefined): Promise<PolicyKeys> {
  const kept = file !== undefined && existsSync(file);
  const keys = kept ? read(file) : await Promise.all(published.map((alg) => makeKey(alg)));
  if (file !== undefined && !kept) write(file, keys);
  const [rs256, es256, rs512, ps256] = keys as [TestKey, TestKey, TestKey, TestKey];
  return { rs256, es256, rs512, ps256 };
}

interface Kept {
  readonly kid: string;
  readonly alg: Algorithm;
  readonly jwk: JWK;
}

function read(file: string): TestKey[] {
  return (JSON.parse(readFileSync(file, 'utf8')) as Kept[]).map(({ kid, alg, jwk }) => {
    const privateKey = createPrivateKey({ key: jwk, format: 'jwk' });
    const publicKey = createPublicKey(privateKey);
    const publicJwk = { ...(publicKey.export({ format: 'jwk' }) as JWK), kid, alg, use: 'sig' };
    return { kid, alg, privateKey, publicKey, publicJwk };
  });
}

function write(file: string, keys: readonly TestKey[]): void {
  const kept = keys.map(({ kid, alg, privateKey }) => ({
    kid,
    alg,
    jwk: privateKey.export({ format: 'jwk' }) as JWK,
  }));
  writeFileSync(file, JSON.stringify(kept), { mode: 0o600 });
}
