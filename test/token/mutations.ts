import fc from 'fast-check';
import { issuer, now } from './fixture.ts';

export type KeyName = 'RS256' | 'PS256' | 'ES256' | 'EdDSA' | 'second' | 'stranger';

/** What a verifier is told. */
export interface Config {
  readonly algorithms: readonly string[];
  readonly audience: readonly string[] | null;
  /** Milliseconds. */
  readonly clockTolerance: number;
  readonly tokenType: string;
  /** Milliseconds. */
  readonly maxLifetime: number | null;
  readonly requiredClaims: readonly string[];
  /** How the issuer's key set is written. */
  readonly published: 'in full' | 'without alg' | 'without kid' | 'one kid' | 'for encryption';
}

/** A token before it is written down, and how it is to be read. */
export interface Case {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly signer: KeyName;
  readonly signedWith: string;
  readonly spelling: string;
  readonly config: Config;
}

/** A case that is accepted. */
export function basis(by: 'RS256' | 'PS256' | 'ES256' | 'EdDSA'): Case {
  return {
    header: { alg: by, kid: by, typ: 'at+jwt' },
    claims: {
      iss: issuer,
      aud: 'api://orders',
      sub: 'user-1',
      client_id: 'shop',
      jti: 'id',
      iat: now - 60,
      exp: now + 60,
    },
    signer: by,
    signedWith: by,
    spelling: 'plain',
    config: {
      algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
      audience: ['api://orders'],
      clockTolerance: 5000,
      tokenType: 'any',
      maxLifetime: null,
      requiredClaims: [],
      published: 'in full',
    },
  };
}

/** One change of one thing. */
export interface Mutation {
  readonly part: 'header' | 'claims' | 'config' | 'case';
  readonly name: string;
  /** Undefined takes it away. */
  readonly value: unknown;
}

export function mutate(each: Case, { part, name, value }: Mutation): Case {
  if (part === 'case') return { ...each, [name]: value };
  const { [name]: _, ...others } = each[part] as Record<string, unknown>;
  return { ...each, [part]: value === undefined ? others : { ...others, [name]: value } };
}

const away = undefined;
const dates = [0, -1, 1, now, now + 0.5, `${now}`, away, null, '', 1e300, true, [now], {}];

/** For each thing that can be changed, to what. */
const choices: Readonly<Record<Mutation['part'], Readonly<Record<string, readonly unknown[]>>>> = {
  header: {
    alg: [
      'none',
      'HS256',
      'RS256',
      'PS256',
      'ES256',
      'EdDSA',
      'RS512',
      'rs256',
      'Ed25519',
      away,
      null,
      1,
      ['RS256'],
    ],
    kid: ['RS256', 'PS256', 'ES256', 'EdDSA', 'second', 'unknown', away, '', null, 1, ['ES256']],
    typ: [
      'JWT',
      away,
      'AT+JWT',
      'application/at+jwt',
      'logout+jwt',
      'application/dpop+jwt',
      'secevent+jwt',
      'rt+jwt',
      1,
      null,
      '',
    ],
    crit: [[], ['b64'], ['exp'], null],
    b64: [true, false],
    zip: ['DEF', null],
    jku: ['https://evil.example'],
    jwk: [{ kty: 'oct', k: 'AAAA' }],
    cty: ['JWT'],
    enc: ['A256GCM'],
  },
  claims: {
    iss: [`${issuer}/`, issuer.slice(0, -1), [issuer], away, null, '', 1],
    aud: [
      ['api://orders', 'x'],
      ['api://orders', 1],
      ['x'],
      [],
      'x',
      'api://other',
      away,
      null,
      '',
      1,
      { 0: 'api://orders' },
      [['api://orders']],
    ],
    exp: [now - 4, now - 5, now - 6, now + 7200, now - 4.5, ...dates],
    nbf: [now + 5, now + 5.5, now + 6, ...dates],
    iat: [now + 600, now - 7200, ...dates],
    sub: [away, 1, null, '', ['x'], {}],
    client_id: [away, 1, null, ''],
    jti: [away, 1, null, '', ['id']],
    cnf: [{ jkt: 'x' }, {}, null, '', 'x'],
    events: [{ 'urn:x': {} }, {}, 'x', null, []],
    scope: [['a'], 1, null],
    constructor: [1],
  },
  config: {
    algorithms: [['RS256'], ['ES256'], ['RS256', 'PS256'], ['EdDSA', 'ES256']],
    audience: [null, ['api://other'], ['api://other', 'api://orders']],
    clockTolerance: [0, 60_000],
    tokenType: ['at+jwt'],
    maxLifetime: [3_600_000, 60_000],
    requiredClaims: [['sub'], ['jti', 'tenant'], ['cnf']],
    published: ['without alg', 'without kid', 'one kid', 'for encryption'],
  },
  case: {
    signer: ['RS256', 'PS256', 'ES256', 'EdDSA', 'second', 'stranger'],
    signedWith: ['RS512', 'PS256', 'RS256', 'none', 'HS256', 'HS512'],
    spelling: [
      ...['twice', 'header twice', 'mark', 'deep', 'proto', 'list', 'cut', 'padded', 'loose'],
      ...['bit', 'payload bit', 'blank', 'four parts', 'two parts'],
    ],
  },
};

const mutation: fc.Arbitrary<Mutation> = fc
  .constantFrom(
    ...Object.entries(choices).flatMap(([part, names]) =>
      Object.entries(names).map(([name, values]) => ({ part: part as Mutation['part'], name, values })),
    ),
  )
  .chain(({ part, name, values }) => fc.constantFrom(...values).map((value) => ({ part, name, value })));

/** Sound tokens, and such with one or two changes. */
export const mutations = fc.record({
  by: fc.constantFrom('RS256', 'PS256', 'ES256', 'EdDSA'),
  changes: fc.oneof(
    { weight: 1, arbitrary: fc.constant<Mutation[]>([]) },
    { weight: 4, arbitrary: fc.array(mutation, { minLength: 1, maxLength: 1 }) },
    { weight: 5, arbitrary: fc.array(mutation, { minLength: 2, maxLength: 2 }) },
  ),
});
