import type { Claims } from '../claims/path.ts';
import type { Refusal } from '../errors.ts';
import { type CacheOptions, type CacheStats, VerdictCache } from './cache.ts';
import { readValidity } from './check.ts';
import {
  compileExamine,
  type ExaminerOptions,
  type Failed,
  type FindKeys,
  isWaiting,
  type Passed,
  type Step,
  type Waiting,
} from './examine.ts';
import { digestOf, fingerprint } from './fingerprint.ts';
import type { VerificationKey } from './key.ts';
import type { UnverifiedToken } from './read.ts';
import { readScopes } from './scopes.ts';
import type { VerifiedClaims, VerifiedToken } from './verified.ts';

export type { Step, Waiting } from './examine.ts';
export { isWaiting } from './examine.ts';
export type { IssuerOptions } from './issuer.ts';
export type { VerifiedClaims, VerifiedToken } from './verified.ts';

export interface VerifierOptions<P> extends ExaminerOptions {
  readonly cache: CacheOptions;
  /** Counts to go on from: those of the verifier before. */
  readonly counted?: CacheStats | undefined;
  /** Names of the claims that are looked at once more: a verdict keeps no others. */
  readonly kept: ReadonlySet<string>;
  /** Work done once a verified token and kept with it: identity headers, log values. */
  prepare(token: VerifiedClaims): P;
  /** Learns the SHA-256 of every token that verifies. */
  onVerified?(digest: Buffer): void;
}

/** Why a token is refused; apart from that, for those who explain it, what is known of the token by then. */
export interface RefusedToken {
  readonly refusal: Refusal;
  readonly inspection: Inspection;
}

/** Tells a token that was refused from one that was verified. */
export function isRefused(verdict: object): verdict is RefusedToken {
  return 'refusal' in verdict;
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
   * header, type, issuer, key, signature, and only then what the claims say. It answers in the same turn, except
   * where an unknown key id is worth a fetch: then it waits, and verifies nothing before `finish` is called.
   *
   * @param allowedIssuers - null: all that are configured
   * @param peek - where keys are looked for, if none may be fetched
   */
  verify(
    token: string,
    allowedIssuers: ReadonlySet<string> | null,
    peek?: Peek,
  ): Verdict<P> | Waiting<Verdict<P>>;
  /** Verifies a token as `verify` does, fetching, keeping and counting nothing, and tells what each step found. */
  inspect(token: string, allowedIssuers: ReadonlySet<string> | null, peek: Peek): Inspection;
  /** Drops every verdict that rests on a withdrawn key. */
  dropWithdrawn(): void;
  stats(): CacheStats;
}

export type Verdict<P> = VerifiedToken<P> | RefusedToken;

/** Keys at hand for an issuer's token; a fetch is not asked for. */
export type Peek = (
  issuer: string,
  algorithm: string,
  kid: string | undefined,
) => readonly VerificationKey[] | Refusal;

export interface Inspection {
  /** Null where it could not be taken apart. */
  readonly token: UnverifiedToken | null;
  /** The configured issuer that it names. */
  readonly issuer: string | null;
  /** Null: it is good. */
  readonly refused: Refusal['refused'] | null;
  /** The step that refused it. */
  readonly at: Step | null;
  /** The claims at fault, where that step is one that asks for several. */
  readonly blamed: readonly string[];
  /** Whole seconds until keys may be fetched for its key id, where the cooldown forbids it now. */
  readonly retryAfter: number | null;
}

/**
 * What a verdict weighs besides the token and its claims: the map's entry, headers prepared, objects. Measured with
 * the claims of common issuers, all of them kept; where rules match claims made of nothing but empty objects, those
 * take five times what they are taken for.
 */
const bytesOfVerdict = 1024;

/** @throws SyntaxError for a claim path or a matcher that cannot be compiled */
export function createVerifier<P>(options: VerifierOptions<P>): Verifier<P> {
  const { clock, prepare, kept } = options;
  const cache = new VerdictCache<VerifiedToken<P>>(options.cache, clock, options.counted);
  const examine = compileExamine(options);

  function settle(outcome: Passed | Failed): Verdict<P> {
    if ('refusal' in outcome) return describe(outcome);
    const { token, issuer, key } = outcome;
    const digest = digestOf(token.text);
    const verified = complete(outcome, digest, kept, prepare);
    const bytes = bytesOfVerdict + token.text.length + token.payload.length;
    cache.set(token.text, { token: verified, key, keys: issuer.keys, bytes });
    options.onVerified?.(digest);
    return verified;
  }

  return {
    cached: (token) => cache.get(token),
    verify(text, allowed, peek) {
      const outcome = examine(text, allowed, peek === undefined ? askIssuer : lookAt(peek));
      if (!isWaiting(outcome)) return settle(outcome);
      return { until: outcome.until, finish: () => settle(outcome.finish()) };
    },
    inspect(text, allowed, peek) {
      const outcome = examine(text, allowed, lookAt(peek));
      // Nothing is fetched, so there is nothing to wait for.
      return report(isWaiting(outcome) ? outcome.finish() : outcome);
    },
    dropWithdrawn: () => cache.dropWithdrawn(),
    stats: () => cache.stats(),
  };
}

const askIssuer: FindKeys = ({ keys }, { header, kid }) => keys.find(header.alg as string, kid);

function lookAt(peek: Peek): FindKeys {
  return ({ name }, { header, kid }) => peek(name, header.alg as string, kid);
}

function report(outcome: Passed | Failed): Inspection {
  const { token = null, issuer } = outcome;
  const found = { token, issuer: issuer?.name ?? null };
  if (!('refusal' in outcome)) return { ...found, refused: null, at: null, blamed: [], retryAfter: null };
  const { at, refusal, check } = outcome;
  const blamed = token === null ? [] : (check?.blame?.(token.claims) ?? []);
  return { ...found, refused: refusal.refused, at, blamed, retryAfter: refusal.retryAfter ?? null };
}

/** Puts on a refusal what the log and the metrics name; an issuer only if it is configured. */
function describe(failed: Failed): RefusedToken {
  const { issuer, token } = failed;
  const refusal = {
    ...failed.refusal,
    ...(issuer !== undefined && { issuer: issuer.name }),
    ...(token?.kid !== undefined && { kid: token.kid }),
  };
  return { refusal, inspection: report(failed) };
}

function complete<P>(
  { token, issuer }: Passed,
  digest: Buffer,
  kept: ReadonlySet<string>,
  prepare: (token: VerifiedClaims) => P,
): VerifiedToken<P> {
  const { claims, payload, kid } = token;
  const scopes = readScopes(claims);
  const verified = { issuer: issuer.name, scopes, kid, fingerprint: fingerprint(digest) };
  const { notBefore, expiresAt } = readValidity(claims, issuer.clockTolerance);
  const prepared = prepare({ ...verified, claims, payload });
  return { ...verified, claims: keep(claims, kept), notBefore, expiresAt, prepared };
}

function keep(claims: Claims, names: ReadonlySet<string>): Claims {
  const held: Record<string, unknown> = {};
  for (const name of names) {
    if (Object.hasOwn(claims, name)) held[name] = claims[name];
  }
  return held;
}
