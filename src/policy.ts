import { isDeepStrictEqual } from 'node:util';
import { type Claims, compileClaimPath } from './claims/path.ts';
import type { Clock } from './clock.ts';
import type { Config } from './config/schema.ts';
import { compileIdentity } from './identity/map.ts';
import { compileStrip } from './identity/strip.ts';
import type { KeySet } from './keys/set.ts';
import { compileClient } from './limit/client.ts';
import { createFailureLimit, type FailureLimit } from './limit/failures.ts';
import { compileNetworkOf } from './limit/network-of.ts';
import { VerifiedTokens } from './limit/verified-tokens.ts';
import { compileSubject } from './observe/subject.ts';
import { compileCanonical } from './path/canonical.ts';
import { compileRequestHeaders } from './proxy/request-headers.ts';
import { createUpstreams, type Upstreams } from './proxy/upstreams.ts';
import {
  compileRule,
  compileRules,
  type Demands,
  type RulesOptions,
  type RuleTable,
} from './rules/compile.ts';
import { compileExtract } from './token/extract.ts';
import { compileSameOrigin } from './token/origin.ts';
import { createVerifier, type Verifier } from './token/verify.ts';

/** What is worked out once a verified token and kept with its verdict. */
export interface Prepared {
  /** Identity headers, flat: name, value, name, value. */
  readonly identity: readonly string[];
  /** The subject as `log.subject` says. */
  readonly subject: string | undefined;
  /** The client it was issued to, where that is not the subject itself, which `log.subject` may hide. */
  readonly client: string | undefined;
}

/** Everything that is the same for all requests, compiled when the config is loaded. */
export interface Policy extends Compiled {
  readonly config: Config;
  readonly keySets: readonly KeySet[];
}
type Compiled = ReturnType<typeof compile>;

export interface PolicyParts {
  /** One for each issuer of the config, in its order. */
  readonly keySets: readonly KeySet[];
  readonly clock: Clock;
  /** Of `log.subject: hash`. */
  readonly subjectKey: Uint8Array;
  /** Those of the config, where they are compiled already. */
  readonly rules?: RuleTable;
  /** The policy in force until now: what does not change goes on, its connections, verdicts and blocks included. */
  readonly previous?: Policy;
}

/** The name under which rules and metrics know the upstream that the config gives no name. */
export const defaultUpstream = 'default';

/** Throws where a file that the config names cannot be read. */
export function compilePolicy(config: Config, parts: PolicyParts): Policy {
  return { ...compile(config, parts), config, keySets: parts.keySets };
}

function compile(config: Config, parts: PolicyParts) {
  const upstreams: Upstreams = createUpstreams(
    { ...config.upstreams, [defaultUpstream]: config.upstream },
    parts.previous?.upstreams,
    parts.clock,
  );
  const strip = compileStrip({
    ...config.identity,
    setHeaders: [config.upstream, ...Object.values(config.upstreams)].flatMap((u) =>
      Object.keys(u.setHeaders),
    ),
  });
  const verified = keepVerified(config, parts.previous);
  return {
    mode: config.mode,
    log: config.log,
    websockets: config.websockets,
    forwardToken: config.identity.forwardToken,
    maxBodySize: config.listen.maxBodySize,
    maxHeaders: config.listen.maxHeaders,
    canonical: compileCanonical(config.paths),
    client: compileClient(config.listen.trustedProxies),
    /** What the upstreams' connections are shared out by. */
    network: compileNetworkOf(config.failureLimit),
    rules: parts.rules ?? compileRules(config.rules, rulesOptions(config)),
    /** What decides where no rule matches; null: nothing is served there. */
    fallback: config.unmatched === 'deny' ? null : compileRule(requiredEverywhere, -1, rulesOptions(config)),
    extract: compileExtract({ ...config.token, ...config.identity }),
    sameOrigin: compileSameOrigin(config.token.allowedOrigins),
    verifier: keepVerifier(config, parts) ?? compileVerifier(config, parts, verified),
    failures: keepFailures(config, parts),
    /** Tokens that were verified once: a block of their client does not concern them. */
    verified,
    requestHeaders: compileRequestHeaders({
      strip,
      tokenHeaders: config.token.sources.flatMap((source) => (source.type === 'header' ? [source.name] : [])),
    }),
    upstreams,
  };
}

/** How the rules of a config are compiled. */
export function rulesOptions({ paths }: Config): RulesOptions {
  return { case: paths.case, trailingSlash: paths.trailingSlash, paths };
}

/** The rule of `unmatched: required`: the metrics know it as `default`. */
const requiredEverywhere = {
  name: 'default',
  path: '/*',
  methods: null,
  auth: 'required',
  issuers: null,
  scopes: [],
  anyScope: [],
  claims: {},
  anyOf: [],
  upstream: null,
  stripPrefix: null,
  mode: null,
} as const;

/** A reload must not set free whom the limit blocks. */
function keepFailures({ failureLimit }: Config, { clock, previous }: PolicyParts): FailureLimit | null {
  if (previous && isDeepStrictEqual(previous.config.failureLimit, failureLimit)) return previous.failures;
  return failureLimit && createFailureLimit(failureLimit, clock);
}

const leastVerified = 100_000;

/** So many times more tokens are remembered than verdicts: they weigh less, and a block lasts longer than a verdict. */
const verifiedPerVerdict = 10;

/** A reload must not lock out whom the limit spares. The set depends on one setting, on which the verifier depends too. */
function keepVerified({ token }: Config, previous: Policy | undefined): VerifiedTokens {
  const capacity = Math.max(leastVerified, verifiedPerVerdict * token.cache.maxEntries);
  if (previous?.verified.capacity === capacity) return previous.verified;
  return new VerifiedTokens(capacity, previous?.verified);
}

function compileVerifier(config: Config, parts: PolicyParts, verified: VerifiedTokens): Verifier<Prepared> {
  const { keySets, clock, subjectKey, previous } = parts;
  const identity = compileIdentity(config.identity);
  const subject = compileSubject(config.log.subject, subjectKey);
  const matched = matchedClaims(demandsOf(config)).map(compileClaimPath);
  return createVerifier<Prepared>({
    issuers: config.issuers.map((options, index) => ({ options, keys: keySets[index] as KeySet })),
    maxSize: config.token.maxSize,
    cache: config.token.cache,
    integerClaims: [
      ...identity.claimPaths,
      ...matched,
      ...matchedClaims(config.issuers).map(compileClaimPath),
    ],
    kept: new Set(matched.map(({ claim }) => claim)),
    clock,
    counted: previous?.verifier.stats(),
    prepare: (token) => ({
      identity: identity.headers(token.claims as Claims, token.payload),
      subject: subject(token.claims.sub),
      client: clientOf(token.claims),
    }),
    onVerified: (digest) => verified.add(digest),
  });
}

function clientOf({ sub, client_id, azp }: Claims): string | undefined {
  const client = client_id ?? azp;
  return typeof client === 'string' && client !== '' && client !== sub ? client : undefined;
}

/** The verifier in force, with its verdicts, where nothing is another of all that they rest on. */
function keepVerifier(config: Config, { keySets, previous }: PolicyParts): Verifier<Prepared> | null {
  if (previous === undefined || keySets.some((set, index) => set !== previous.keySets[index])) return null;
  const same = isDeepStrictEqual(verdictSettings(config), verdictSettings(previous.config));
  return same ? previous.verifier : null;
}

function verdictSettings(config: Config): object {
  const { issuers, token, identity, log } = config;
  const { maxSize, cache } = token;
  return {
    issuers,
    maxSize,
    cache,
    identity,
    subject: log.subject,
    claims: matchedClaims(demandsOf(config)),
  };
}

/** Claims that rules or issuers match, as headers carry others: an integer in one of them must be exact. */
function matchedClaims(each: readonly Pick<Demands, 'claims'>[]): string[] {
  return [...new Set(each.flatMap(({ claims }) => Object.keys(claims)))];
}

/** Everything that rules ask for, their alternatives included. */
function demandsOf({ rules }: Config): readonly Demands[] {
  return rules.flatMap((rule) => [rule, ...rule.anyOf]);
}
