import { compileMatcher } from '../claims/match.ts';
import { compileClaimPath } from '../claims/path.ts';
import type { Clock } from '../clock.ts';
import type { IssuerConfig } from '../config/schema.ts';
import type { Policy } from '../policy.ts';
import type { Rule } from '../rules/compile.ts';
import { requiredClaims } from '../token/check.ts';
import type { UnverifiedToken } from '../token/read.ts';
import type { Inspection, Step } from '../token/verify.ts';
import { describeAudience } from './describe-audience.ts';
import { describeForm } from './describe-form.ts';
import { describeIssuer } from './describe-issuer.ts';
import { describeKey } from './describe-key.ts';
import { describeClaim } from './describe-rule.ts';
import type { Finding } from './explain.ts';
import { list, moment, show, span } from './value.ts';

interface Parts {
  readonly policy: Policy;
  readonly clock: Clock;
}

/** What the checks of a token have to say when they fail. */
export const describeToken = {
  missing({ label }: Rule): Finding {
    return { expected: `a token: rule "${label}" requires one`, got: 'none' };
  },
  refused(text: string, inspection: Inspection, rule: Rule, { policy, clock }: Parts): Finding {
    const { token, at, refused } = inspection;
    if (token === null || at === null || at === 'form') {
      return describeForm(text, refused, policy.config.token.maxSize);
    }
    const issuer = policy.config.issuers.find((each) => each.issuer === inspection.issuer);
    if (at === 'issuer' || issuer === undefined) return describeHeaderOf(token, at, policy, rule);
    const keys = policy.keySets[policy.config.issuers.indexOf(issuer)]?.status();
    if (at === 'key' || at === 'signature') return describeKey(token, at, refused, keys);
    return describeHeader(token, at, issuer) ?? describeClaims(token, at, issuer, clock);
  },
};

/** Where the issuer is not one of ours, the header is held against all of them. */
function describeHeaderOf(token: UnverifiedToken, at: Step, { config }: Policy, rule: Rule): Finding {
  const all = { algorithms: config.issuers.flatMap((each) => each.algorithms), tokenType: 'any' as const };
  return describeHeader(token, at, all) ?? describeIssuer(token, config.issuers, rule);
}

function describeHeader(
  { header }: UnverifiedToken,
  at: Step,
  issuer: Pick<IssuerConfig, 'algorithms' | 'tokenType'>,
): Finding | null {
  if (at === 'algorithm') {
    const alg = show(header.alg);
    return {
      expected: list(new Set(issuer.algorithms)),
      got: alg,
      ...(/^HS/.test(alg) && {
        hint: 'it is signed with a shared secret, not with a private key of the issuer; such tokens are never accepted',
      }),
      ...(/^none$/i.test(alg) && { hint: 'it is not signed at all' }),
      ...(/^(RS|PS|ES|EdDSA)/.test(alg) && {
        hint: `add ${alg} to the issuer's algorithms if it is to be accepted`,
      }),
    };
  }
  if (at === 'header') {
    const found = ['crit', 'b64', 'zip'].filter((name) => Object.hasOwn(header, name));
    return { expected: 'no crit, b64 or zip in the header', got: list(found) };
  }
  if (at !== 'type') return null;
  const type = show(header.typ);
  const other = /^(application\/)?(logout|dpop|secevent|rt)\+jwt$/i.exec(type);
  return {
    expected: issuer.tokenType === 'any' ? 'an access token' : `typ ${issuer.tokenType}`,
    got: `typ ${type}`,
    hint: other
      ? `this is a ${({ logout: 'logout token', dpop: 'DPoP proof', secevent: 'security event', rt: 'refresh token' } as Record<string, string>)[(other[2] ?? '').toLowerCase()]}, not an access token`
      : 'tokenType: at+jwt asks for RFC 9068; `any` accepts access tokens of another typ or none',
  };
}

function describeClaims({ claims }: UnverifiedToken, at: Step, issuer: IssuerConfig, clock: Clock): Finding {
  const now = clock.now();
  const { exp, nbf, iat } = claims;
  switch (at) {
    case 'claim_types':
      return {
        expected:
          'exp, nbf, iat: numbers; iss, sub, jti, client_id: strings; aud: a string or a list of strings',
        got: list(
          ['exp', 'nbf', 'iat', 'sub', 'jti', 'client_id', 'aud']
            .filter((name) => claims[name] !== undefined)
            .map((name) => `${name} ${JSON.stringify(claims[name])}`),
        ),
        hint: 'one of them has another type, or an integer that is matched or mapped is beyond 2^53-1',
      };
    case 'expiry':
      return {
        expected: `exp later than ${new Date(now).toISOString()}, less ${span(issuer.clockTolerance)} of tolerance`,
        got: moment(exp),
        hint: `expired ${span(now - Number(exp) * 1000)} ago`,
      };
    case 'not_before':
      return {
        expected: `nbf no later than ${new Date(now).toISOString()}, plus ${span(issuer.clockTolerance)} of tolerance`,
        got: moment(nbf),
        hint: `it becomes valid in ${span(Number(nbf) * 1000 - now)}; if it was just made, the clock of one side is wrong`,
      };
    case 'lifetime':
      return {
        expected: `exp - iat of at most ${span(issuer.maxLifetime ?? 0)}`,
        got: span((Number(exp) - Number(iat)) * 1000),
        hint: "have the issuer make shorter tokens, or raise the issuer's maxLifetime",
      };
    case 'audience':
      return describeAudience(claims, issuer.audience ?? []);
    case 'required_claims': {
      const missing = requiredClaims(issuer).filter(
        (path) => compileClaimPath(path).read(claims) === undefined,
      );
      return { expected: list(requiredClaims(issuer)), got: `without ${list(missing)}` };
    }
    case 'issuer_claims':
      return describeMatched(claims, issuer);
    case 'purpose':
      return {
        expected: 'an access token',
        got: 'events',
        hint: 'this is a logout token or another security event',
      };
    default:
      return {
        expected: 'no cnf: proofs of possession are not configured',
        got: show(claims.cnf),
        hint: 'the token is bound to a key (DPoP or a client certificate), so that as a bearer token it is worth nothing',
      };
  }
}

function describeMatched(claims: UnverifiedToken['claims'], { claims: matchers }: IssuerConfig): Finding {
  for (const [path, options] of Object.entries(matchers)) {
    const got = compileClaimPath(path).read(claims);
    if (!compileMatcher(options)(got, {})) return describeClaim(path, options, got, claims);
  }
  return {};
}
