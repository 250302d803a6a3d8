import type { Test } from 'tap';
import type { Clock } from '../../src/clock.ts';
import type { ConfigInput } from '../../src/config/schema.ts';
import { type Echo, type Seen, startEcho } from '../helpers/echo.ts';
import { startGateway, type TestGateway } from '../helpers/gateway.ts';
import { type FakeIssuer, type FakeIssuerOptions, startFakeIssuer } from '../helpers/issuer.ts';
import type { Answer, RequestOptions } from '../helpers/request.ts';
import { challenges, mayWait, type Refused, waits } from './refusals.ts';

type IssuerInput = NonNullable<ConfigInput['issuers']>[number];

export interface SceneOptions {
  readonly clock?: Clock;
  /** How the issuer is made. */
  readonly issuer?: FakeIssuerOptions;
  /** Laid over what the gateway is told of it. */
  readonly trust?: Partial<IssuerInput>;
  /** What the gateway is told of the upstream, besides its URL. */
  readonly upstream?: Omit<Exclude<ConfigInput['upstream'], string | undefined>, 'url'>;
  /** Trusted after it. */
  readonly others?: readonly IssuerInput[];
}

/** A gateway between an issuer and an upstream that shows what it saw. */
export interface Scene {
  readonly issuer: FakeIssuer;
  readonly echo: Echo;
  readonly gateway: TestGateway;
  /** Sends a request that must be allowed, by the upstream's account and by the log's; what the upstream saw of it. */
  allows(t: Test, name: string, request: RequestOptions): Promise<Sighting>;
  /** Sends one that must be refused for this reason, in answer and log alike, with the upstream seeing nothing. */
  refuses(t: Test, name: string, request: RequestOptions, reason: Refused): Promise<Answer>;
  /** Sends a request for every case of a table, one after the other. */
  judges<T>(t: Test, table: Verdicts<T>, request: (each: T) => RequestOptions): Promise<void>;
}

/** Cases by name, under the reason for which they must be refused or under `ok`. */
export type Verdicts<T> = { readonly [V in Refused | 'ok']?: Readonly<Record<string, T>> };

/** What the upstream saw of a request. */
export interface Sighting extends Seen {
  /** The values of a header, in any case. */
  all(name: string): string[];
  /** The one value of a header, undefined where there is none. Throws where there are two. */
  header(name: string): string | undefined;
  /** In lower case. */
  readonly names: readonly string[];
}

/** Starts one for as long as a test runs. */
export async function startScene(
  t: Test,
  config: Partial<ConfigInput> = {},
  options: SceneOptions = {},
): Promise<Scene> {
  const { clock, trust, others = [] } = options;
  const [issuer, echo] = await Promise.all([startFakeIssuer(t, options.issuer), startEcho(t)]);
  const issuers = [{ issuer: issuer.issuer, audience: issuer.audience, ...trust }, ...others];
  const upstream = { url: echo.url, ...options.upstream };
  const gateway = await startGateway(t, { upstream, issuers, ...config }, clock ? { clock } : {});
  const scene: Scene = {
    issuer,
    echo,
    gateway,
    async allows(t, name, request) {
      const before = echo.seen.length;
      const answer = await gateway.request(request);
      t.equal(answer.status, 200, `${name}: is forwarded`);
      t.equal(echo.seen.length, before + 1, `${name}: once`);
      const seen = sight(echo.seen.at(-1));
      const line = await gateway.line(seen.header('x-request-id'));
      t.match(line, { decision: 'allow', reason: 'ok', status: 200 }, `${name}: is logged`);
      return seen;
    },
    async refuses(t, name, request, reason) {
      const before = echo.seen.length;
      const answer = await gateway.request(request);
      assertRefused(t, name, answer, reason);
      t.equal(echo.seen.length, before, `${name}: the upstream sees nothing`);
      const line = await gateway.line(answer.header('x-request-id'));
      t.match(line, { decision: 'deny', reason, status: challenges[reason].status }, `${name}: is logged`);
      return answer;
    },
    async judges(t, table, request) {
      for (const [verdict, cases] of Object.entries(table)) {
        const refusals = `jwks_sidecar_refusals_total{reason="${verdict}"}`;
        const counted = await gateway.metric(refusals);
        for (const [name, each] of Object.entries(cases)) {
          if (verdict === 'ok') await scene.allows(t, name, request(each));
          else await scene.refuses(t, name, request(each), verdict as Refused);
        }
        const more = verdict === 'ok' ? 0 : Object.keys(cases).length;
        t.equal(await gateway.metric(refusals), counted + more, `${verdict}: each is counted`);
      }
    },
  };
  return scene;
}

/** That an answer is the one that the contract has for a reason. */
export function assertRefused(t: Test, name: string, answer: Answer, reason: Refused): void {
  const { status, challenge } = challenges[reason];
  t.equal(answer.status, status, `${name}: is refused`);
  if (answer.status !== status) return;
  const requestId = answer.header('x-request-id');
  t.match(
    answer.json(),
    { code: reason, status, requestId, type: String, title: String, detail: String },
    name,
  );
  t.equal(answer.header('content-type'), 'application/problem+json', name);
  t.equal(answer.header('cache-control'), 'no-store', name);
  const given = answer.header('www-authenticate');
  if (challenge === 'scope')
    t.match(given, /^Bearer realm="api", error="insufficient_scope", scope="[^"]+"$/, name);
  else t.equal(given, challenge, `${name}: challenge`);
  if (!mayWait.has(reason))
    t.equal(waits.has(reason), answer.header('retry-after') !== undefined, `${name}: Retry-After`);
}

export function sight(seen: Seen | undefined): Sighting {
  if (seen === undefined) throw new Error('The upstream has seen nothing');
  const { rawHeaders } = seen;
  const names = rawHeaders.filter((_, index) => index % 2 === 0).map((each) => each.toLowerCase());
  const all = (name: string) =>
    names.flatMap((each, at) => (each === name ? [rawHeaders[2 * at + 1] ?? ''] : []));
  const header = (name: string) => {
    const values = all(name);
    if (values.length > 1) throw new Error(`The upstream saw ${values.length} headers ${name}`);
    return values[0];
  };
  return { ...seen, all, header, names };
}

export function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` };
}
