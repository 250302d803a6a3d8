import { type Claims, compileClaimPath } from '../claims/path.ts';
import type { Inspection } from '../token/verify.ts';
import type { Finding } from './steps.ts';
import { list } from './value.ts';

/** RFC 7518 sections 3.1 and 4.1, RFC 8037, RFC 8812, RFC 9864. Any other name may be anything that a client makes up. */
const algorithms =
  /^(none|(HS|RS|PS|ES)(256|384|512)|ES256K|EdDSA|Ed25519|Ed448|dir|RSA1_5|RSA-OAEP(-(256|384|512))?|(ECDH-ES\+)?A(128|192|256)KW|ECDH-ES|A(128|192|256)GCMKW|PBES2-HS(256\+A128|384\+A192|512\+A256)KW)$/i;
const types =
  /^(application\/)?(jwt|jws|jose|((at|rt|logout|dpop|secevent|token-introspection)\+jwt)|oauth-authz-req\+jwt)$/i;

/**
 * What a log may keep of the finding about a token. Before the signature holds, a client may have written anything into
 * it: then only what we know from elsewhere is said again. After that, of the issuer's claims the log may keep whom the
 * token is for, and its dates; of any other claim its path, never what it holds. Hints are ours, and name claims at most.
 */
export function withhold({ at, token, issuer, blamed }: Inspection, finding: Finding): Finding {
  const { header = {}, claims = {} } = token ?? {};
  switch (at) {
    case 'algorithm':
      return isNamed(header.alg, algorithms) ? finding : instead(finding, 'one that nobody has registered');
    case 'type':
      return isNamed(header.typ, types) ? finding : instead(finding, 'another typ');
    case 'issuer':
      return issuer !== null || token?.issuer === undefined
        ? finding
        : instead(finding, 'one that is not configured');
    case 'issuer_claims':
      return withholdClaim(blamed[0] ?? '', "the issuer's", finding, claims);
    case 'claim_types':
      return instead(finding, `another type of ${list(blamed)}`);
    case 'binding':
      return instead(finding, 'a claim "cnf"');
    case 'form':
    case 'header':
    case 'key':
    case 'signature':
    case 'expiry':
    case 'not_before':
    case 'lifetime':
    case 'audience':
    case 'required_claims':
    case 'purpose':
    case null:
      return finding;
  }
}

function isNamed(value: unknown, names: RegExp): boolean {
  return value === undefined || (typeof value === 'string' && names.test(value));
}

function instead(finding: Finding, got: string): Finding {
  return {
    expected: finding.expected,
    got,
    get hint() {
      return finding.hint;
    },
  };
}

/** Of a claim that is not as a matcher asks: which one, and whether it is there. */
export function withholdClaim(path: string, whose: string, finding: Finding, claims: Claims): Finding {
  const isThere = path !== '' && compileClaimPath(path).read(claims) !== undefined;
  return {
    expected: `${path} as ${whose} claims ask`,
    got: isThere ? 'another value' : 'missing',
    get hint() {
      return finding.hint;
    },
  };
}
