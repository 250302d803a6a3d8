import type { KeyObject } from 'node:crypto';
import type { Clock } from '../../src/clock.ts';
import { isRefusal, type Refusal } from '../../src/errors.ts';
import type { KeyFinder, VerificationKey } from '../../src/token/key.ts';
import {
  createVerifier,
  type IssuerOptions,
  isRefused,
  isWaiting,
  type Verifier,
  type VerifierOptions,
} from '../../src/token/verify.ts';
import { forge } from '../helpers/forge.ts';
import type { TestKey } from '../helpers/key.ts';

/** 2026-01-01T00:00:00Z in seconds, where the clock of the tests stands. */
export const now = 1_767_225_600;

export const issuer = 'https://idp.example.com';

export interface HeldClock extends Clock {
  wall: number;
  age: number;
}

/** A clock that moves only when it is told to. */
export function holdClock(): HeldClock {
  return {
    wall: now * 1000,
    age: 0,
    now() {
      return this.wall;
    },
    elapsed() {
      return this.age;
    },
  };
}

export interface MemoryKey extends VerificationKey {
  withdrawn: boolean;
}

/** A key as an issuer publishes it; no algorithm is kept from it, so that only verification itself can refuse. */
export function publish(publicKey: KeyObject, kid: string | undefined): MemoryKey {
  return { kid, withdrawn: false, forAlgorithm: () => publicKey };
}

export interface MemoryKeys extends KeyFinder {
  readonly asked: (string | undefined)[];
  isUsable: boolean;
}

/** An issuer's keys; like the real ones it refuses an unknown kid, and no kid unless there is one key. */
export function holdKeys(keys: readonly VerificationKey[]): MemoryKeys {
  const asked: (string | undefined)[] = [];
  return {
    asked,
    isUsable: true,
    usable() {
      return this.isUsable;
    },
    find(_algorithm, kid) {
      asked.push(kid);
      const found = kid === undefined ? keys : keys.filter((key) => key.kid === kid);
      const isOne = kid === undefined ? found.length === 1 : found.length > 0;
      return isOne ? found : { refused: 'key_unknown' };
    },
  };
}

export function issuerOptions(overrides: Partial<IssuerOptions> = {}): IssuerOptions {
  return {
    issuer,
    audience: ['api://orders'],
    algorithms: ['RS256'],
    tokenType: 'any',
    clockTolerance: 5000,
    maxLifetime: null,
    requiredClaims: [],
    claims: {},
    ...overrides,
  };
}

export interface Setup extends Partial<Omit<VerifierOptions<string>, 'prepare'>> {
  readonly keys?: KeyFinder;
  readonly options?: Partial<IssuerOptions>;
}

/** A verifier whose `verify` waits by itself where keys are fetched, and tells the refusal alone. */
export function waitFor<P>(verifier: Verifier<P>) {
  return {
    ...verifier,
    async verify(token: string, allowed: ReadonlySet<string> | null) {
      const outcome = verifier.verify(token, allowed);
      if (isWaiting(outcome)) await outcome.until;
      const verdict = isWaiting(outcome) ? outcome.finish() : outcome;
      return isRefused(verdict) ? verdict.refusal : verdict;
    },
  };
}

/** A verifier of one issuer unless told otherwise; what it prepares is the subject. */
export function setUp({ keys, options, ...rest }: Setup) {
  const verifier = createVerifier<string>({
    issuers: [{ options: issuerOptions(options), keys: keys ?? holdKeys([]) }],
    maxSize: 8192,
    cache: { maxEntries: 100, maxBytes: 1024 * 1024, maxAge: 300_000 },
    integerClaims: [],
    kept: new Set(['sub']),
    clock: holdClock(),
    prepare: ({ claims }) => String(claims.sub),
    ...rest,
  });
  return waitFor(verifier);
}

export const goodClaims = {
  iss: issuer,
  aud: 'api://orders',
  sub: 'user-1',
  iat: now - 60,
  exp: now + 3600,
} as const;

/** A token that is good but for what is given. An undefined member is left out. */
export function sign(key: TestKey, claims: object = {}, header: object = {}): string {
  return forge({
    header: { alg: key.alg, kid: key.kid, ...header },
    payload: { ...goodClaims, ...claims },
    alg: key.alg,
    key: key.privateKey,
  });
}

/** `ok`, or the reason of a refusal. */
export function reasonOf(outcome: object | Refusal): string {
  return isRefusal(outcome) ? outcome.refused : 'ok';
}
