import { compileClaimPath } from '../../src/claims/path.ts';
import type { Clock } from '../../src/clock.ts';
import { isRefusal, type Refusal } from '../../src/errors.ts';
import type { KeyFinder, VerificationKey } from '../../src/token/key.ts';
import { createVerifier, type IssuerOptions } from '../../src/token/verify.ts';
import type { TestKey } from '../helpers/key.ts';
import { waitFor } from './fixture.ts';

export const issuer = 'https://idp.example.com';
export const audience = 'api://orders';

/** A key as the keys stage hands it over, which a test can withdraw. */
export interface HeldKey extends VerificationKey {
  withdrawn: boolean;
}

/** Keys in memory. `gate` is awaited before a key is handed to the verifier. */
export function holdKeys(keys: readonly TestKey[], gate: Promise<void> = Promise.resolve()) {
  const held = keys.map((key): HeldKey & { readonly alg: string } => ({
    kid: key.kid,
    alg: key.alg,
    withdrawn: false,
    forAlgorithm: () => key.publicKey,
  }));
  const finder: KeyFinder & { isUsable: boolean } = {
    isUsable: true,
    usable() {
      return this.isUsable;
    },
    async find(algorithm, kid) {
      await gate;
      const found = held.filter((key) => key.alg === algorithm && (kid === undefined || key.kid === kid));
      return found.length === 0 || (kid === undefined && found.length > 1)
        ? { refused: 'key_unknown' }
        : found;
    },
  };
  return { held, finder };
}

/** A clock that a test sets. */
export function heldClock(now = Date.now()) {
  const clock = { wall: now, monotonic: 0 };
  const read: Clock = { now: () => clock.wall, elapsed: () => clock.monotonic };
  return Object.assign(clock, { read });
}

export function makeVerifier(
  finder: KeyFinder,
  clock: Clock,
  options: Partial<IssuerOptions> = {},
  cache: object = {},
) {
  const verifier = createVerifier({
    issuers: [
      {
        keys: finder,
        options: {
          issuer,
          audience: [audience],
          algorithms: ['RS256'],
          tokenType: 'any',
          clockTolerance: 0,
          maxLifetime: null,
          requiredClaims: [],
          claims: {},
          ...options,
        },
      },
    ],
    maxSize: 8192,
    cache: { maxEntries: 100, maxBytes: 1_000_000, maxAge: 300_000, ...cache },
    integerClaims: [compileClaimPath('number')],
    kept: new Set(),
    clock,
    prepare: ({ claims }) => claims.sub,
  });
  return waitFor(verifier);
}

/** `ok`, or the reason of a refusal. */
export function verdictOf(outcome: object | Refusal): string {
  return isRefusal(outcome) ? outcome.refused : 'ok';
}
