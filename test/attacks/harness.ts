import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Test } from 'tap';
import type { ConfigInput } from '../../src/config/schema.ts';
import type { Refused } from '../gateway/refusals.ts';
import type { Verdicts } from '../gateway/scene.ts';
import { type FakeIssuer, type FakeMintOptions, startFakeIssuer } from '../helpers/issuer.ts';
import { connectRaw, type RawConnection, type RawOptions, type RawResponse } from '../helpers/raw.ts';
import { type PolicyKeys, policyKeys } from './keys.ts';
import { policy } from './policy.ts';
import { type GatewayProcess, startProcess } from './process.ts';
import { type Recorded, type Recorder, startRecorder } from './recorder.ts';
import { describeRefusal, expectedRefusal } from './refusal.ts';
import { Secrets } from './secrets.ts';
import { bearing, droppedFields, expectedWire, type Passed } from './wire.ts';

export type { Verdicts } from '../gateway/scene.ts';
export { ask } from '../gateway/wire.ts';
export { type Recorded, valuesOf } from './recorder.ts';
export { bearing, ordinaryIdentity } from './wire.ts';

const { ATTACK_BASE_URL, ATTACK_UPSTREAM_PORT, ATTACK_ISSUER_PORT } = process.env;

/** Whether another gateway is under attack, which was configured by hand: README.md says how. */
export const elsewhere = ATTACK_BASE_URL !== undefined;

/** For the options of a test that needs more than the policy: why it is skipped, elsewhere. */
export const ownConfig = { skip: elsewhere && 'needs a configuration of its own' };

export interface TargetOptions {
  /** Instead of the policy's. */
  readonly rules?: ConfigInput['rules'];
  /** Laid over the config of the policy. */
  readonly config?: Partial<ConfigInput>;
  /** Laid over what it is told of its issuer. */
  readonly trust?: Partial<IssuerInput>;
  /** Issuers trusted after it. */
  readonly others?: readonly IssuerInput[];
}

type IssuerInput = NonNullable<ConfigInput['issuers']>[number];

/** A gateway under attack, between an issuer and an upstream that keeps every byte it is sent. */
export interface Target {
  readonly baseUrl: string;
  readonly issuer: FakeIssuer;
  readonly keys: PolicyKeys;
  readonly upstream: Recorder;
  /** Null elsewhere. */
  readonly gateway: GatewayProcess | null;
  /** A token that is good but for what is given; no text of it may turn up anywhere from now on. */
  mint(options?: FakeMintOptions): string;
  /** Remembers a token made by hand. */
  remember(token: string): string;
  /** Changes the config of the gateway while it runs; never elsewhere. */
  reload(options: TargetOptions): Promise<void>;
  connect(options?: RawOptions): Promise<RawConnection>;
  /** Sends bytes over a connection of their own; the first answer. */
  send(bytes: string, options?: RawOptions): Promise<RawResponse>;
  /** Sends a request that must be forwarded, as these bytes and no others. */
  allows(t: Test, name: string, bytes: string, passed?: Passed): Promise<Recorded>;
  /** Sends one that must be refused for this reason, without a byte to the upstream. */
  refuses(t: Test, name: string, bytes: string, reason: Refused): Promise<RawResponse>;
  /** Sends a request for every case of a table, one after the other. */
  judges<T>(t: Test, table: Verdicts<T>, bytes: (each: T) => string, passed?: Passed): Promise<void>;
}

/**
 * Starts the gateway as a process with the config of the policy, or finds another one at `ATTACK_BASE_URL`. When the
 * test ends, all that the process logged, all that it answered and its metrics are searched for any sixteen
 * characters of any token that was minted or sent.
 */
export async function startTarget(t: Test, options: TargetOptions = {}): Promise<Target> {
  if (elsewhere && Object.keys(options).length > 0)
    throw new Error('Only the policy can be attacked elsewhere');
  const keysFile = elsewhere ? join(tmpdir(), `attack-keys-${ATTACK_ISSUER_PORT}.json`) : undefined;
  const keys = await policyKeys(keysFile);
  const [issuer, upstream] = await Promise.all([
    startFakeIssuer(t, { keys: Object.values(keys), port: Number(ATTACK_ISSUER_PORT ?? 0) }),
    startRecorder(t, Number(ATTACK_UPSTREAM_PORT ?? 0)),
  ]);
  const gateway = elsewhere ? null : await startProcess(t, configOf(issuer, upstream, options));
  const baseUrl = gateway?.url ?? String(ATTACK_BASE_URL);
  const answers: string[] = [];
  const secrets = new Secrets();

  if (gateway !== null) {
    t.teardown(async () => {
      const said = [...answers, await gateway.metrics(), ...(await gateway.stop())];
      const leaks = secrets.leaks(said);
      if (leaks.length === 0) return;
      // tap takes no assertion in a teardown, and runs no other one after what is thrown here, which fails the test.
      await Promise.all([issuer.close(), upstream.close()]);
      throw new Error(`Text of a token stands in ${JSON.stringify(leaks.slice(0, 3))}`);
    });
  }

  const connect = (options: RawOptions = {}) => connectRaw(t, baseUrl, options);
  const send = async (bytes: string, options?: RawOptions): Promise<RawResponse> => {
    secrets.addSent(bytes);
    const raw = await connect(options);
    await raw.send(bytes);
    const answer = await raw.response();
    raw.reset();
    answers.push(`${answer.rawHeaders.join('\n')}\n${answer.text}`);
    return answer;
  };

  const target: Target = {
    baseUrl,
    issuer,
    keys,
    upstream,
    gateway,
    connect,
    send,
    async reload(options) {
      await gateway?.reload(configOf(issuer, upstream, options));
    },
    mint(options) {
      return target.remember(issuer.mint(options));
    },
    remember(token) {
      secrets.add(token);
      return token;
    },
    async allows(t, name, bytes, passed = {}) {
      const before = upstream.seen.length;
      const { status } = await send(bytes);
      const [seen, ...more] = upstream.seen.slice(before);
      if (status !== 200 || seen === undefined)
        throw new Error(`${name}: is not forwarded but answered ${status}`);
      const forwarded = more.length + 1;
      if (gateway === null) {
        const kept = droppedFields(bytes, passed).filter((field) => seen.fields.includes(field));
        const wanted = { forwarded: 1, target: passed.target ?? bytes.split(' ')[1], kept: [] };
        t.strictSame({ forwarded, target: seen.target, kept }, wanted, name);
      } else {
        const wire = expectedWire(bytes, seen, { issuer: issuer.issuer, baseUrl }, passed);
        t.strictSame({ forwarded, wire: seen.text }, { forwarded: 1, wire }, name);
      }
      return seen;
    },
    async refuses(t, name, bytes, reason) {
      const before = upstream.bytes;
      const answer = await send(bytes);
      const isRefused = answer.status >= 400;
      const line = isRefused ? await gateway?.line(answer.header('x-request-id')) : undefined;
      const upstreamBytes = upstream.bytes - before;
      if (gateway !== null)
        t.strictSame(describeRefusal(answer, line, upstreamBytes), expectedRefusal(reason), name);
      else {
        const isForwarded = answer.status >= 200 && answer.status < 300;
        t.strictSame({ isForwarded, upstreamBytes }, { isForwarded: false, upstreamBytes: 0 }, name);
      }
      return answer;
    },
    async judges(t, table, bytes, passed) {
      for (const [verdict, cases] of Object.entries(table)) {
        for (const [name, each] of Object.entries(cases)) {
          const request = bytes(each);
          if (verdict !== 'ok') await target.refuses(t, name, request, verdict as Refused);
          else await target.allows(t, name, request, passed).catch(({ message }) => t.fail(message));
        }
      }
    },
  };
  if (elsewhere) await untilTrusted(target);
  return target;
}

/** A gateway that could not reach the issuer between two files may take a while to look again. */
async function untilTrusted(target: Target): Promise<void> {
  for (let tries = 0; tries < 120; tries++) {
    const { status } = await target.send(bearing(target.mint()));
    if (status === 200) return;
    await setTimeout(500);
  }
  throw new Error(`${target.baseUrl} refuses a good token for a minute`);
}

function configOf(issuer: FakeIssuer, upstream: Recorder, options: TargetOptions): ConfigInput {
  const { audience, algorithms, rules } = policy;
  return {
    listen: { host: '127.0.0.1', port: 0 },
    admin: { host: '127.0.0.1', port: 0 },
    upstream: upstream.url,
    issuers: [
      { issuer: issuer.issuer, audience, algorithms: [...algorithms], ...options.trust },
      ...(options.others ?? []),
    ],
    rules: options.rules ?? [...rules],
    unmatched: 'required',
    // Every attack comes from one address.
    failureLimit: null,
    drain: { delay: 0 },
    ...options.config,
  };
}
