import { compileClaimPath } from '../claims/path.ts';
import type { Clock } from '../clock.ts';
import type { IssuerConfig } from '../config/schema.ts';
import { requiredClaims } from '../token/check.ts';
import type { UnverifiedToken } from '../token/read.ts';
import type { Step } from '../token/verify.ts';
import { describeAudience } from './describe-audience.ts';
import { describeClaim } from './describe-rule.ts';
import type { Finding } from './steps.ts';
import { list, moment, show, span } from './value.ts';

/** What a check of an issuer looked at. */
export interface Checked {
  readonly claims: UnverifiedToken['claims'];
  readonly at: Step;
  /** The paths of the claims at fault. */
  readonly blamed: readonly string[];
  readonly issuer: IssuerConfig;
}

/** Why an issuer's checks refuse what a token claims. */
export function describeClaims({ claims, at, blamed, issuer }: Checked, clock: Clock): Finding {
  switch (at) {
    case 'claim_types':
      return describeTypes(claims, blamed);
    case 'expiry':
      return describeExpiry(claims, issuer, clock.now());
    case 'not_before':
      return describeNotBefore(claims, issuer, clock.now());
    case 'lifetime':
      return describeLifetime(claims, issuer);
    case 'audience':
      return describeAudience(claims, issuer.audience ?? []);
    case 'required_claims':
      return {
        expected: list(requiredClaims(issuer)),
        got: `without ${list(blamed)}`,
        hint: blamed.includes('exp')
          ? 'a token without exp would be good for ever, and is never accepted'
          : 'requiredClaims, maxLifetime or tokenType: at+jwt of the issuer ask for it',
      };
    case 'issuer_claims':
      return describeMatched(claims, blamed, issuer);
    case 'purpose':
      return {
        expected: 'an access token',
        got: 'a claim "events"',
        hint: 'this is a logout token or another security event',
      };
    default:
      return describeBinding(claims);
  }
}

function describeTypes(claims: Checked['claims'], blamed: readonly string[]): Finding {
  return {
    expected: 'exp, nbf, iat: numbers; iss, sub, jti, client_id: strings; aud: a string or a list of strings',
    got: list(blamed.map((path) => `${path} ${show(read(claims, path))}`)),
    hint: blamed.map((path) => hintOfType(path, read(claims, path))).join('; '),
  };
}

const texts = ['iss', 'sub', 'jti', 'client_id'];
const dates = ['exp', 'nbf', 'iat'];

function hintOfType(path: string, value: unknown): string {
  const type = typeOf(value);
  if (texts.includes(path) && type !== 'a string') return `${path} must be a string, and is ${type}`;
  if (path === 'aud' && !isOfStrings(value)) {
    return type === 'a list'
      ? 'aud must be a string or a list of strings, and something else is in its list'
      : `aud must be a string or a list of strings, and is ${type}`;
  }
  if (dates.includes(path)) {
    if (type === 'a string') return `${path}: dates are numbers of seconds since 1970, without quotes`;
    if (type !== 'a number') return `${path} must be a number of seconds since 1970, and is ${type}`;
    if (!Number.isFinite(value) || Number(value) < 0) return `${path} must be a number of seconds since 1970`;
  }
  return `${path} holds an integer beyond 9007199254740991, which cannot be told from its neighbors: in a claim that is matched or mapped, have it sent as a string`;
}

function isOfStrings(value: unknown): boolean {
  return [value].flat().every((each) => typeof each === 'string');
}

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function read(claims: Checked['claims'], path: string): unknown {
  return compileClaimPath(path).read(claims);
}

function describeExpiry({ exp }: Checked['claims'], issuer: IssuerConfig, now: number): Finding {
  return {
    expected: `exp later than ${moment(now / 1000)}, less ${span(issuer.clockTolerance)} of tolerance`,
    got: moment(exp),
    hint: `expired ${span(now - Number(exp) * 1000)} ago`,
  };
}

/** Seconds from which a date is more likely in milliseconds: it would lie beyond the year 5000. */
const surelyMilliseconds = 1e11;

function describeNotBefore({ nbf }: Checked['claims'], issuer: IssuerConfig, now: number): Finding {
  return {
    expected: `nbf no later than ${moment(now / 1000)}, plus ${span(issuer.clockTolerance)} of tolerance`,
    got: moment(nbf),
    hint:
      Number(nbf) > surelyMilliseconds
        ? 'it seems to be in milliseconds; dates in a token are in seconds'
        : `it becomes valid in ${span(Number(nbf) * 1000 - now)}; if it was just made, the clock of one side is wrong`,
  };
}

function describeLifetime({ exp, iat }: Checked['claims'], { maxLifetime }: IssuerConfig): Finding {
  return {
    expected: `exp - iat of at most ${span(maxLifetime ?? 0)}`,
    got: span((Number(exp) - Number(iat)) * 1000),
    hint:
      Number(exp) > surelyMilliseconds
        ? 'exp seems to be in milliseconds; dates in a token are in seconds'
        : "have the issuer make shorter tokens, or raise the issuer's maxLifetime",
  };
}

function describeMatched(
  claims: Checked['claims'],
  [path]: readonly string[],
  { claims: matchers }: IssuerConfig,
): Finding {
  const options = path === undefined ? undefined : matchers[path];
  return path === undefined || options === undefined
    ? {}
    : describeClaim({ path, options, claims, params: {} });
}

function describeBinding({ cnf }: Checked['claims']): Finding {
  const has = (name: string) => typeof cnf === 'object' && cnf !== null && Object.hasOwn(cnf, name);
  const proof = has('jkt')
    ? 'DPoP'
    : has('x5t#S256')
      ? 'a client certificate'
      : 'DPoP or a client certificate';
  return {
    expected: 'no cnf: proofs of possession are not configured',
    got: show(cnf),
    hint: `the token is bound to a key (${proof}): without the proof, whoever stole it could use it`,
  };
}
