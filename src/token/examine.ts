import { withOtherNames } from '../algorithms.ts';
import type { ClaimPath } from '../claims/path.ts';
import type { Clock } from '../clock.ts';
import { isRefusal, type Refusal } from '../errors.ts';
import { type Check, type CheckName, compileChecks } from './check.ts';
import { checkHeader, type HeaderCheck } from './header.ts';
import type { IssuerOptions } from './issuer.ts';
import type { KeyFinder, VerificationKey } from './key.ts';
import { readToken, type UnverifiedToken } from './read.ts';
import { findSigner } from './signature.ts';

export interface ExaminerOptions {
  /** Each with its own keys, which verify no other issuer's tokens. */
  readonly issuers: readonly { readonly options: IssuerOptions; readonly keys: KeyFinder }[];
  /** Bytes of a token. */
  readonly maxSize: number;
  /** Claims that rules match or headers carry: an integer beyond ±(2^53-1) in them refuses the token. */
  readonly integerClaims: readonly ClaimPath[];
  readonly clock: Clock;
}

/** The steps of a verification, in this order. */
export type Step = 'form' | HeaderCheck | 'issuer' | 'key' | 'signature' | CheckName;

export interface Issuer {
  readonly name: string;
  readonly keys: KeyFinder;
  readonly algorithms: ReadonlySet<string>;
  readonly tokenType: string;
  readonly clockTolerance: number;
  readonly checks: readonly Check[];
}

/** A token that passed every step. */
export interface Passed {
  readonly token: UnverifiedToken;
  readonly issuer: Issuer;
  /** The key under which the signature holds. */
  readonly key: VerificationKey;
}

/** The step at which a token failed, and all that was known of it by then. */
export interface Failed {
  readonly at: Step;
  readonly refusal: Refusal;
  /** Undefined where it could not be taken apart. */
  readonly token?: UnverifiedToken;
  /** The configured issuer that it names. */
  readonly issuer?: Issuer | undefined;
  /** The check of its claims. */
  readonly check?: Check;
}

type Found = readonly VerificationKey[] | Refusal;

/** Where the keys for an issuer's token come from. */
export type FindKeys = (issuer: Issuer, token: UnverifiedToken) => Found | Promise<Found>;

/**
 * A verification that waits for a fetch of keys. Whoever finishes it can first look again at what may have changed in
 * the meantime: no signature is verified before.
 */
export interface Waiting<T> {
  /** Settles when the fetch has ended. */
  readonly until: Promise<void>;
  /** To be called once, after `until` has settled. */
  finish(): T;
}

/** At once wherever the keys at hand can answer. */
export type Examine = (
  text: string,
  allowed: ReadonlySet<string> | null,
  findKeys: FindKeys,
) => Passed | Failed | Waiting<Passed | Failed>;

/** Tells a verification that waits from one that has ended. */
export function isWaiting<T>(outcome: object | Waiting<T>): outcome is Waiting<T> {
  return 'until' in outcome;
}

/**
 * Compiles the one way through all steps of a verification, RFC 7519 section 7.2 as RFC 8725 has it, both to
 * decide and to explain. The first failure ends it, and no claim but `iss` is read before the signature holds.
 *
 * @throws SyntaxError for a claim path or a matcher that cannot be compiled
 */
export function compileExamine(options: ExaminerOptions): Examine {
  const { maxSize, clock } = options;
  const issuers = compileIssuers(options);
  const algorithms: ReadonlySet<string> = new Set(
    [...issuers.values()].flatMap((issuer) => [...issuer.algorithms]),
  );

  /** What is left once there are keys, or the reason why there are none. */
  function conclude(token: UnverifiedToken, issuer: Issuer, found: Found): Passed | Failed {
    const key = findKey(token, found);
    if ('refusal' in key) return { ...key, token, issuer };
    const now = clock.now();
    for (const check of issuer.checks) {
      const refused = check.refuse(token.claims, now);
      // The signature holds: whatever else is wrong, nobody has forged this token.
      const refusal = refused && ({ refused, uncounted: true } as const);
      if (refusal !== undefined) return { at: check.name, refusal, token, issuer, check };
    }
    return { token, issuer, key };
  }

  return (text, allowed, findKeys) => {
    const token = readToken(text, maxSize);
    if (isRefusal(token)) return { at: 'form', refusal: token };
    const issuer = token.issuer === undefined ? undefined : issuers.get(token.issuer);
    const unfit = checkHeader(token.header, issuer?.algorithms ?? algorithms, issuer?.tokenType ?? 'any');
    if (unfit !== undefined) return { ...unfit, token, issuer };
    if (issuer === undefined) return { at: 'issuer', refusal: issuerUnknown, token };
    if (allowed !== null && !allowed.has(issuer.name)) {
      // A good token of an issuer of ours, perhaps: the signature is not looked at, so it cannot be called forged.
      return { at: 'issuer', refusal: { ...issuerUnknown, uncounted: true }, token, issuer };
    }
    const keys = findKeys(issuer, token);
    if (!('then' in keys)) return conclude(token, issuer, keys);
    let found: Found = [];
    const until = keys.then((fetched) => {
      found = fetched;
    });
    return { until, finish: () => conclude(token, issuer, found) };
  };
}

function compileIssuers({ issuers, integerClaims }: ExaminerOptions): ReadonlyMap<string, Issuer> {
  return new Map(
    issuers.map(({ options, keys }) => [
      options.issuer,
      {
        name: options.issuer,
        keys,
        algorithms: new Set(withOtherNames(options.algorithms)),
        tokenType: options.tokenType,
        clockTolerance: options.clockTolerance,
        checks: compileChecks(options, integerClaims),
      },
    ]),
  );
}

/** The key under which the signature holds. */
function findKey(token: UnverifiedToken, found: Found): VerificationKey | Failed {
  const { header, kid, claims } = token;
  if (isRefusal(found)) return { at: 'key', refusal: found };
  if (found.length === 0) return keyUnknown;
  const signer = findSigner(token, header.alg as string, found);
  // A token that names no key and that none of the keys verifies is one of a key that nobody knows.
  if (signer === undefined) return kid === undefined ? keyUnknown : signatureInvalid;
  // A withdrawn key stops serving at once, a verification that began before included.
  if (signer.withdrawn) return { at: 'key', refusal: { refused: 'key_unknown', uncounted: true } };
  // The key signs for one tenant of the issuer, and the token is of another: genuine, so nobody is blocked for it.
  const isOfTenant = signer.tenant === undefined || signer.tenant === claims.tid;
  return isOfTenant ? signer : { at: 'key', refusal: { refused: 'key_unknown', uncounted: true } };
}

const keyUnknown: Failed = { at: 'key', refusal: { refused: 'key_unknown' } };
const signatureInvalid: Failed = { at: 'signature', refusal: { refused: 'signature_invalid' } };
const issuerUnknown = { refused: 'issuer_unknown' } as const;
