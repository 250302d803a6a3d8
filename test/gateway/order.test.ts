import t from 'tap';
import { startEcho } from '../helpers/echo.ts';
import { startGateway } from '../helpers/gateway.ts';
import { type FakeIssuer, startFakeIssuer } from '../helpers/issuer.ts';
import { makeKey, type TestKey } from '../helpers/key.ts';
import type { RequestOptions } from '../helpers/request.ts';
import type { Refused } from './refusals.ts';
import { assertRefused } from './scene.ts';

/** What goes into a request. Each fault spoils some of it, and two that spoil the same cannot be in one request. */
interface Plan {
  readonly method: string;
  readonly target: string;
  readonly body: string;
  readonly tokens: number;
  readonly inCookie: boolean;
  readonly blocked: boolean;
  readonly padding: string;
  readonly size: number;
  readonly alg: string;
  readonly crit: readonly string[] | undefined;
  readonly typ: string;
  readonly iss: string;
  readonly kid: string | undefined;
  readonly signer: TestKey;
  readonly claims: Readonly<Record<string, unknown>>;
}

interface Fault {
  readonly reason: Refused;
  readonly spoils: Partial<Plan>;
}

const maxSize = 2048;
const blockedAddress = '127.9.9.9';

/** In the order of the contract; those of one rank have none among themselves. */
function listFaults(down: string, stranger: TestKey): readonly (Fault & { readonly rank: number })[] {
  const ranks: Fault[][] = [
    [
      { reason: 'path_ambiguous', spoils: { target: '/x/../y' } },
      { reason: 'request_malformed', spoils: { target: '/x#y' } },
      { reason: 'method_not_allowed', spoils: { method: 'TRACE' } },
      { reason: 'body_too_large', spoils: { body: 'x'.repeat(11) } },
    ],
    [{ reason: 'path_not_found', spoils: { target: '/nowhere' } }],
    [
      { reason: 'token_missing', spoils: { tokens: 0 } },
      { reason: 'token_ambiguous', spoils: { tokens: 2 } },
    ],
    [{ reason: 'csrf_rejected', spoils: { method: 'POST', inCookie: true } }],
    [{ reason: 'client_blocked', spoils: { blocked: true } }],
    [{ reason: 'token_too_large', spoils: { size: maxSize } }],
    [{ reason: 'token_malformed', spoils: { padding: '=' } }],
    [{ reason: 'algorithm_not_allowed', spoils: { alg: 'RS512' } }],
    [{ reason: 'header_not_supported', spoils: { crit: ['exp'] } }],
    [{ reason: 'type_mismatch', spoils: { typ: 'logout+jwt' } }],
    [{ reason: 'issuer_unknown', spoils: { iss: 'https://evil.example' } }],
    [{ reason: 'keys_unavailable', spoils: { iss: down } }],
    [{ reason: 'key_unknown', spoils: { kid: 'nobody' } }],
    [{ reason: 'signature_invalid', spoils: { signer: stranger } }],
    [{ reason: 'token_malformed', spoils: { claims: { sub: 5 } } }],
    [{ reason: 'token_expired', spoils: { claims: { exp: 1, iat: 0 } } }],
    [{ reason: 'token_not_yet_valid', spoils: { claims: { nbf: 4e9 } } }],
    [{ reason: 'token_lifetime_exceeded', spoils: { claims: { iat: 0 } } }],
    [{ reason: 'audience_mismatch', spoils: { claims: { aud: 'api://other' } } }],
    [{ reason: 'claim_missing', spoils: { claims: { client_id: null } } }],
    [{ reason: 'claim_mismatch', spoils: { claims: { tenant: 'evil' } } }],
    [{ reason: 'binding_mismatch', spoils: { claims: { cnf: { jkt: 'x' } } } }],
    [{ reason: 'scope_insufficient', spoils: { claims: { scope: 'none' } } }],
    [{ reason: 'rule_denied', spoils: { claims: { role: 'guest' } } }],
  ];
  return ranks.flatMap((faults, rank) => faults.map((fault) => ({ ...fault, rank })));
}

function spoiledBy({ spoils: { claims = {}, ...rest } }: Fault): string[] {
  return [...Object.keys(rest), ...Object.keys(claims).map((name) => `claims.${name}`)];
}

function spoil(plan: Plan, { spoils }: Fault): Plan {
  return { ...plan, ...spoils, claims: { ...plan.claims, ...spoils.claims } };
}

function tokenOf(plan: Plan, issuer: FakeIssuer): string {
  const { alg, crit, typ, kid, iss, signer } = plan;
  return (
    issuer.mint({ key: signer, header: { alg, crit, typ, kid }, claims: { ...plan.claims, iss } }) +
    'A'.repeat(plan.size) +
    plan.padding
  );
}

/** Every request comes from an address of its own, save those of the client that is blocked. */
function requestOf(plan: Plan, token: string, number: number): RequestOptions {
  const { tokens, inCookie } = plan;
  const headers: [name: string, value: string][] = inCookie
    ? [['Cookie', Array(tokens).fill(`session=${token}`).join('; ')]]
    : Array(tokens).fill(['Authorization', `Bearer ${token}`]);
  return {
    method: plan.method,
    path: plan.target,
    headers,
    ...(plan.body !== '' && { body: plan.body }),
    localAddress: plan.blocked ? blockedAddress : `127.1.${number >> 8}.${number & 255}`,
  };
}

t.test('of two faults, the one that is looked for first answers', async (t) => {
  const [issuer, down, echo, stranger] = await Promise.all([
    startFakeIssuer(t),
    startFakeIssuer(t),
    startEcho(t),
    makeKey(),
  ]);
  down.respond((_request, response) => response.writeHead(503).end());
  const trust = {
    audience: issuer.audience,
    maxLifetime: '1h',
    requiredClaims: ['client_id'],
    claims: { tenant: { equals: 'acme' } },
  };
  const gateway = await startGateway(t, {
    upstream: echo.url,
    issuers: [issuer, down].map(({ issuer }) => ({ issuer, ...trust })),
    listen: { maxBodySize: 10 },
    token: { maxSize, sources: [{ type: 'bearer' }, { type: 'cookie', name: 'session' }] },
    rules: [{ path: '/x', scopes: ['orders:read'], claims: { role: { equals: 'admin' } } }],
    unmatched: 'deny',
    failureLimit: { max: 1 },
  });
  const sound: Plan = {
    method: 'GET',
    target: '/x',
    body: '',
    tokens: 1,
    inCookie: false,
    blocked: false,
    padding: '',
    size: 0,
    alg: 'RS256',
    crit: undefined,
    typ: 'JWT',
    iss: issuer.issuer,
    kid: issuer.signingKey.kid,
    signer: issuer.signingKey,
    claims: { tenant: 'acme', role: 'admin' },
  };
  let sent = 0;
  const send = (plan: Plan) => gateway.request(requestOf(plan, tokenOf(plan, issuer), sent++));
  t.equal((await send({ ...sound, blocked: true, padding: '=' })).status, 401, 'a client earns its block');
  t.equal((await send(sound)).status, 200, 'without a fault it is forwarded');

  const faults = listFaults(down.issuer, stranger);
  for (const first of faults) {
    assertRefused(t, `${first.reason} alone`, await send(spoil(sound, first)), first.reason);
    for (const second of faults) {
      const same = new Set(spoiledBy(first));
      if (second.rank <= first.rank || spoiledBy(second).some((part) => same.has(part))) continue;
      const answer = await send(spoil(spoil(sound, first), second));
      assertRefused(t, `${first.reason} before ${second.reason}`, answer, first.reason);
    }
  }
  t.ok(sent > 200, `${sent} requests`);
  t.equal(echo.seen.length, 1, 'and none of them reached the upstream');
});

t.test('what keeps a request from being one comes before its token', async (t) => {
  const [issuer, echo] = await Promise.all([startFakeIssuer(t), startEcho(t)]);
  const gateway = await startGateway(t, {
    upstream: echo.url,
    issuers: [{ issuer: issuer.issuer, audience: issuer.audience }],
  });
  const bad = 'Authorization: Bearer x\r\n';
  const cases = {
    'no Host': `GET /x HTTP/1.1\r\n${bad}\r\n`,
    'two Hosts': `GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n${bad}\r\n`,
    'a length and a coding': `POST /x HTTP/1.1\r\nHost: a\r\n${bad}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    'a coding besides chunked': `POST /x HTTP/1.1\r\nHost: a\r\n${bad}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
    'a whole URL as target': `GET http://a/x HTTP/1.1\r\nHost: a\r\n${bad}\r\n`,
  };
  for (const [name, bytes] of Object.entries(cases)) {
    const raw = await gateway.raw();
    await raw.send(bytes);
    assertRefused(t, name, await raw.response(), 'request_malformed');
  }
  t.equal(echo.seen.length, 0);
});
