import type { ClaimPath } from '../claims/path.ts';
import type { Clock } from '../clock.ts';
import { isRefusal, type Reason, type Refusal } from '../errors.ts';
import { type CacheOptions, type CacheStats, VerdictCache } from './cache.ts';
import { type Check, type CheckName, compileChecks, readValidity, type Validity } from './check.ts';
import { fingerprint } from './fingerprint.ts';
import { checkHeader } from './header.ts';
import type { IssuerOptions } from './issuer.ts';
import type { KeyFinder, VerificationKey } from './key.ts';
import { readToken, type UnverifiedToken } from './read.ts';
import { readScopes } from './scopes.ts';
import { findSigner } from './signature.ts';
import type { VerifiedClaims, VerifiedToken } from './verified.ts';

export type { IssuerOptions } from './issuer.ts';
export type { VerifiedClaims, VerifiedToken } from './verified.ts';

export interface VerifierOptions<P> {
  /** Each with its own keys, which verify no other issuer's tokens. */
  readonly issuers: readonly { readonly options: IssuerOptions; readonly keys: KeyFinder }[];
  /** Bytes of a token. */
  readonly maxSize: number;
  readonly cache: CacheOptions;
  /** Claims that rules match or headers carry: an integer beyond ±(2^53-1) in them refuses the token. */
  readonly integerClaims: readonly ClaimPath[];
  readonly clock: Clock;
  /** Counts to go on from: those of the verifier before. */
  readonly counted?: CacheStats | undefined;
  /** Work done once a verified token and kept with it: identity headers, log values. */
  prepare(token: VerifiedClaims): P;
}

export interface Verifier<P> {
  /**
   * The verdict of a token verified before: a map look-up and a look at the clock. Undefined where it is not
   * cached, expired, its key withdrawn or its issuer's keys too old. It asks for no rule's issuers: whoever
   * does not accept them all compares `issuer` (`issuer_unknown`).
   */
  cached(token: string): VerifiedToken<P> | undefined;
  /**
   * Verifies a token, RFC 7519 section 7.2 as RFC 8725 has it. The first failure answers: form, algorithm,
   * header, type, issuer, key, signature, and only then what the claims say.
   *
   * @param allowedIssuers - null: all that are configured
   */
  verify(token: string, allowedIssuers: ReadonlySet<string> | null): Promise<VerifiedToken<P> | Refusal>;
  /** Verifies a token as `verify` does, fetching, keeping and counting nothing, and tells what each step found. */
  inspect(token: string, allowedIssuers: ReadonlySet<string> | null, peek: Peek): Promise<Inspection>;
  /** Drops every verdict that rests on a withdrawn key. */
  dropWithdrawn(): void;
  stats(): CacheStats;
}

type Found = readonly VerificationKey[] | Refusal;

/** Keys at hand for an issuer's token; a fetch is not asked for. */
export type Peek = (issuer: string, algorithm: string, kid: string | undefined) => Found;

/** The steps of a verification, in this order. */
export type Step = 'form' | 'algorithm' | 'header' | 'type' | 'issuer' | 'key' | 'signature' | CheckName;

export interface Inspection {
  /** Null where it could not be taken apart. */
  readonly token: UnverifiedToken | null;
  /** The configured issuer that it names. */
  readonly issuer: string | null;
  /** Null: it is good. */
  readonly refused: Reason | null;
  /** The step that refused it. */
  readonly at: Step | null;
}

interface Issuer {
  readonly name: string;
  readonly keys: KeyFinder;
  readonly algorithms: ReadonlySet<string>;
  readonly tokenType: string;
  readonly clockTolerance: number;
  readonly checks: readonly Check[];
}

/**
 * What a verdict weighs besides the token and its claims: the map's entry, headers prepared, objects. Measured with
 * the claims of common issuers; claims made of nothing but empty objects take five times what they are taken for.
 */
const bytesOfVerdict = 1024;

/** @throws SyntaxError for a claim path or a matcher that cannot be compiled */
export function createVerifier<P>(options: VerifierOptions<P>): Verifier<P> {
  const { maxSize, clock, prepare } = options;
  const cache = new VerdictCache<VerifiedToken<P>>(options.cache, clock, options.counted);
  const issuers: ReadonlyMap<string, Issuer> = compileIssuers(options);
  const algorithms: ReadonlySet<string> = new Set(
    [...issuers.values()].flatMap((issuer) => [...issuer.algorithms]),
  );

  async function verify(text: string, allowed: ReadonlySet<string> | null) {
    const token = readToken(text, maxSize);
    if (isRefusal(token)) return token;
    const issuer = token.issuer === undefined ? undefined : issuers.get(token.issuer);
    const refused = checkHeader(token.header, issuer?.algorithms ?? algorithms, issuer?.tokenType ?? 'any');
    if (refused !== undefined) return describe(token, issuer, { refused });
    if (issuer === undefined || (allowed !== null && !allowed.has(issuer.name))) {
      return describe(token, issuer, { refused: 'issuer_unknown' });
    }
    const outcome = await settle(token, issuer);
    return isRefusal(outcome) ? describe(token, issuer, outcome) : outcome;
  }

  async function settle(token: UnverifiedToken, issuer: Issuer): Promise<VerifiedToken<P> | Refusal> {
    const key = await findKey(token, issuer.keys.find(token.header.alg as string, token.kid));
    if (isRefusal(key)) return key;
    const now = clock.now();
    for (const check of issuer.checks) {
      const refused = check.refuse(token.claims, now);
      if (refused !== undefined) return { refused };
    }
    const validity = readValidity(token.claims, issuer.clockTolerance);
    const verified = complete(token, issuer, validity, prepare);
    const bytes = bytesOfVerdict + token.text.length + token.payload.length;
    cache.set(token.text, { token: verified, key, keys: issuer.keys, bytes });
    return verified;
  }

  /** In the very order of `verify`. */
  async function inspect(text: string, allowed: ReadonlySet<string> | null, peek: Peek): Promise<Inspection> {
    const token = readToken(text, maxSize);
    if (isRefusal(token)) return { token: null, issuer: null, refused: token.refused, at: 'form' };
    const issuer = token.issuer === undefined ? undefined : issuers.get(token.issuer);
    const found = { token, issuer: issuer?.name ?? null };
    const header = checkHeader(token.header, issuer?.algorithms ?? algorithms, issuer?.tokenType ?? 'any');
    if (header !== undefined) return { ...found, refused: header, at: headerStep(header) };
    if (issuer === undefined || (allowed !== null && !allowed.has(issuer.name))) {
      return { ...found, refused: 'issuer_unknown', at: 'issuer' };
    }
    const key = await findKey(token, peek(issuer.name, token.header.alg as string, token.kid));
    if (isRefusal(key)) {
      return {
        ...found,
        refused: key.refused,
        at: key.refused === 'signature_invalid' ? 'signature' : 'key',
      };
    }
    const now = clock.now();
    for (const { name, refuse } of issuer.checks) {
      const refused = refuse(token.claims, now);
      if (refused !== undefined) return { ...found, refused, at: name };
    }
    return { ...found, refused: null, at: null };
  }

  return {
    inspect,
    cached: (token) => cache.get(token),
    verify,
    dropWithdrawn: () => cache.dropWithdrawn(),
    stats: () => cache.stats(),
  };
}

function compileIssuers<P>({ issuers, integerClaims }: VerifierOptions<P>): ReadonlyMap<string, Issuer> {
  return new Map(
    issuers.map(({ options, keys }) => [
      options.issuer,
      {
        name: options.issuer,
        keys,
        algorithms: new Set(options.algorithms),
        tokenType: options.tokenType,
        clockTolerance: options.clockTolerance,
        checks: compileChecks(options, integerClaims),
      },
    ]),
  );
}

/** The key under which the signature holds. */
async function findKey(
  { text, header, kid }: UnverifiedToken,
  keys: Found | Promise<Found>,
): Promise<VerificationKey | Refusal> {
  const algorithm = header.alg as string;
  const found = await keys;
  if (isRefusal(found)) return found;
  // Without a name, a key is only known when it is the only one.
  if (found.length === 0 || (kid === undefined && found.length > 1)) return { refused: 'key_unknown' };
  const signer = await findSigner(text, algorithm, found);
  if (signer === undefined) return { refused: 'signature_invalid' };
  // A withdrawn key stops serving at once, a verification that began before included.
  return signer.withdrawn ? { refused: 'key_unknown' } : signer;
}

function headerStep(refused: Reason): Step {
  if (refused === 'algorithm_not_allowed') return 'algorithm';
  return refused === 'type_mismatch' ? 'type' : 'header';
}

/** Puts on a refusal what the log and the metrics name; an issuer only if it is configured. */
function describe(token: UnverifiedToken, issuer: Issuer | undefined, refusal: Refusal): Refusal {
  return {
    ...refusal,
    ...(issuer !== undefined && { issuer: issuer.name }),
    ...(token.kid !== undefined && { kid: token.kid }),
  };
}

function complete<P>(
  token: UnverifiedToken,
  issuer: Issuer,
  validity: Validity,
  prepare: (token: VerifiedClaims) => P,
): VerifiedToken<P> {
  const verified: VerifiedClaims = {
    issuer: issuer.name,
    claims: token.claims,
    payload: token.payload,
    scopes: readScopes(token.claims),
    kid: token.kid,
    fingerprint: fingerprint(token.text),
  };
  return { ...verified, ...validity, prepared: prepare(verified) };
}
