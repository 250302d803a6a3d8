import { readFileSync } from 'node:fs';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import type { Printer } from './print.ts';
import type { Stage } from './stage.ts';
import { type Got, run, type Step, send } from './steps.ts';

/** Runs the whole tour and prints it. Resolves to how many steps did not answer as they should. */
export async function runTour(stage: Stage, printer: Printer): Promise<number> {
  let wrong = 0;
  const tell = (good: boolean, answer: string, detail = '') => {
    if (!good) wrong++;
    printer.answer(good, answer);
    if (detail !== '') printer.detail(detail);
  };
  const step = async (each: Step) => {
    printer.step(each.title, each.line);
    const { good, answer, detail } = await run(stage, each);
    tell(good, answer, detail);
  };
  const before = await counters(stage);
  const { url, workshop, issuer } = stage;
  const curl = (kind: string, rest = '') =>
    `curl -s ${url}/orders/42${rest} -H "Authorization: Bearer $(curl -s ${workshop.url}/${kind})"`;
  const odd = async (kind: string, title: string, status: number, code: string): Promise<Step> => ({
    title,
    line: curl(kind),
    ask: { headers: bearer(await workshop.make(kind)) },
    status,
    code,
  });

  printer.group('A request without and with a token');
  await step({
    title: 'No token',
    line: `curl -s ${url}/orders/42`,
    ask: {},
    status: 401,
    code: 'token_missing',
  });
  printer.step('A token from the issuer, by client credentials', tokenLine(stage));
  const token = await issuer.token();
  tell(true, 'decoded:', decoded(token));
  await step({
    title: 'With it: the upstream sees who it is, and no token',
    line: `curl -s ${url}/orders/42 -H "Authorization: Bearer $TOKEN"`,
    ask: { headers: bearer(token) },
    status: 200,
    look: (got) => ({
      good:
        identityOf(got).includes('X-Verified-Subject: demo') &&
        !/authorization/i.test(JSON.stringify(got.body.headers)),
      detail: identityOf(got).join('\n'),
    }),
  });
  await step({
    title: 'A client that claims to be somebody else',
    line: `curl -s ${url}/orders/42 -H "Authorization: Bearer $TOKEN" -H "X-Verified-Subject: root"`,
    ask: { headers: { ...bearer(token), 'X-Verified-Subject': 'root', x_verified_subject: 'root' } },
    status: 200,
    look: (got) => ({
      good: !JSON.stringify(got.body.headers).includes('root'),
      detail: identityOf(got)
        .filter((line) => line.startsWith('X-Verified-Subject'))
        .join('\n'),
    }),
  });

  printer.group('Forgeries');
  await step(await odd('altered', 'One character of the signature changed', 401, 'signature_invalid'));
  await step(await odd('alg-none', 'Signed by nobody: alg none', 401, 'algorithm_not_allowed'));
  await step(await odd('hs256', 'HS256, with the public key as the secret', 401, 'algorithm_not_allowed'));
  await step(await odd('kid-path', 'A key id that is a path', 401, 'key_unknown'));

  printer.group('Good signatures that are not good enough');
  await step(await odd('wrong-audience', 'For another service', 401, 'audience_mismatch'));
  await step(await odd('expired', 'Expired an hour ago', 401, 'token_expired'));
  await step(await odd('not-yet-valid', 'Valid in an hour', 401, 'token_not_yet_valid'));
  await step({
    title: 'A scope that the token does not grant',
    line: `curl -s ${url}/orders/admin/42 -H "Authorization: Bearer $TOKEN"`,
    ask: { path: '/orders/admin/42', headers: bearer(token) },
    status: 403,
    code: 'scope_insufficient',
  });

  printer.group('A token in an httpOnly cookie');
  const cookie = { cookie: `access_token=${token}` };
  await step({
    title: 'From the same origin',
    line: `curl -s -X POST ${url}/orders/42 -b "access_token=$TOKEN" -H "Origin: ${url}"`,
    ask: { method: 'POST', headers: { ...cookie, origin: url } },
    status: 200,
    look: (got) => ({ good: identityOf(got).includes('X-Verified-Subject: demo') }),
  });
  await step({
    title: 'From a foreign one',
    line: `curl -s -X POST ${url}/orders/42 -b "access_token=$TOKEN" -H "Origin: https://evil.example"`,
    ask: { method: 'POST', headers: { ...cookie, origin: 'https://evil.example' } },
    status: 403,
    code: 'csrf_rejected',
  });

  printer.group('The issuer rotates its keys');
  printer.step('A new key signs, the old one is withdrawn', `curl -s -X POST ${workshop.url}/rotate`);
  await issuer.rotate({ keepOld: false });
  tell(true, `new key ${issuer.publicJwk().kid}`);
  const fresh = await issuer.token();
  await step({
    title: 'A token of the new key passes at once',
    line: `FRESH=$(curl -s ${workshop.url}/valid); curl -s ${url}/orders/42 -H "Authorization: Bearer $FRESH"`,
    ask: { headers: bearer(fresh) },
    status: 200,
    look: (got) => ({ good: identityOf(got).includes('X-Verified-Subject: demo') }),
  });
  await step({
    title: 'One of the withdrawn key no longer does, though it was verified before',
    line: `curl -s ${url}/orders/42 -H "Authorization: Bearer $TOKEN"`,
    ask: { headers: bearer(token) },
    status: 401,
    code: 'key_unknown',
  });

  printer.group('A client that keeps sending forgeries');
  printer.step(
    'Forged tokens, each another one, until the client is blocked',
    `for i in $(seq 11); do ${curl('forged')} -o /dev/null -w '%{http_code} '; done`,
  );
  const statuses = await flood(stage);
  tell(statuses.at(-1) === 429, statuses.join(' '));
  await step({
    title: 'A token that was verified before still passes',
    line: `curl -s ${url}/orders/42 -H "Authorization: Bearer $FRESH"`,
    ask: { headers: bearer(fresh) },
    status: 200,
  });

  printer.group('What the operator sees, and does');
  const blocked = `${stage.admin}/api/blocks/127.0.0.1`;
  printer.step(
    'The blocked client is let in again',
    `curl -s -X DELETE ${blocked} -H "Authorization: Bearer $(cat ${stage.adminTokenFile})" -o /dev/null -w '%{http_code}'`,
  );
  const adminToken = readFileSync(stage.adminTokenFile, 'utf8');
  const released = await fetch(blocked, { method: 'DELETE', headers: bearer(adminToken) });
  tell(released.status === 204, String(released.status));
  await step(await odd('forged', 'A forgery is verified again, and refused', 401, 'signature_invalid'));
  printer.step('The log line of one refusal', '');
  const line = stage.lines.find((each) => each.includes('"signature_invalid"'));
  tell(line !== undefined, 'no token in it', wrap(line ?? ''));
  printer.step('The metrics that moved', `curl -s ${stage.admin}/metrics | grep jwks_sidecar_`);
  const moved = (await counters(stage)).filter((each) => !before.includes(each));
  tell(
    moved.length > 0,
    `${moved.length} of them, among others:`,
    moved.filter((each) => /refusals|fetches|cache_hits|blocks/.test(each)).join('\n'),
  );
  return wrong;
}

function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` };
}

/** A token's two readable parts, a member a line. */
function decoded(token: string): string {
  return `header  ${JSON.stringify(decodeProtectedHeader(token), null, 2)}\npayload ${JSON.stringify(decodeJwt(token), null, 2)}`;
}

function tokenLine({ issuer }: Stage): string {
  const form = '-d grant_type=client_credentials -d scope=orders:read';
  return `TOKEN=$(curl -s -u ${issuer.clientId}:${issuer.clientSecret} ${form} ${issuer.tokenEndpoint} | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')`;
}

/** The identity headers that the upstream saw. */
function identityOf(got: Got): string[] {
  const headers = (got.body?.headers ?? []) as [string, string][];
  return headers.filter(([name]) => /^x.verified/i.test(name)).map(([name, value]) => `${name}: ${value}`);
}

/** Sends forgeries until one is refused without a look, at most 20. */
async function flood({ url, workshop }: Stage): Promise<number[]> {
  const statuses: number[] = [];
  while (statuses.length < 20 && statuses.at(-1) !== 429) {
    const { status } = await send(url, { headers: bearer(await workshop.make('forged')) });
    statuses.push(status);
  }
  return statuses;
}

async function counters({ server }: Stage): Promise<string[]> {
  const lines = (await server.metrics.text()).split('\n');
  return lines.filter((line) => /^jwks_sidecar_\w+_total/.test(line) && !line.endsWith(' 0'));
}

function wrap(line: string): string {
  return line.replace(/(.{90,105}?,)/g, '$1\n');
}
