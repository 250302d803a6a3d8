import { type ClaimPath, type Claims, compileClaimPath } from './claims/path.ts';
import type { Clock } from './clock.ts';
import type { Config } from './config/schema.ts';
import { compileIdentity } from './identity/map.ts';
import { compileStrip } from './identity/strip.ts';
import type { KeySet } from './keys/set.ts';
import { compileClient } from './limit/client.ts';
import { createFailureLimit, type FailureLimit } from './limit/failures.ts';
import { compileSubject } from './observe/subject.ts';
import { compileCanonical } from './path/canonical.ts';
import { compileRequestHeaders } from './proxy/request-headers.ts';
import { createUpstreams, type Upstreams } from './proxy/upstreams.ts';
import { compileRule, compileRules } from './rules/compile.ts';
import { compileExtract } from './token/extract.ts';
import { compileSameOrigin } from './token/origin.ts';
import { createVerifier } from './token/verify.ts';

/** What is worked out once a verified token and kept with its verdict. */
export interface Prepared {
  /** Identity headers, flat: name, value, name, value. */
  readonly identity: readonly string[];
  /** The subject as `log.subject` says. */
  readonly subject: string | undefined;
}

/** Everything that is the same for all requests, compiled when the config is loaded. */
export type Policy = ReturnType<typeof compilePolicy>;

export interface PolicyParts {
  readonly keySets: readonly KeySet[];
  readonly clock: Clock;
}

/** The name under which rules and metrics know the upstream that the config gives no name. */
export const defaultUpstream = 'default';

export function compilePolicy(config: Config, { keySets, clock }: PolicyParts) {
  const identity = compileIdentity(config.identity);
  const subject = compileSubject(config.log.subject);
  const upstreams: Upstreams = createUpstreams({ ...config.upstreams, [defaultUpstream]: config.upstream });
  const strip = compileStrip({
    ...config.identity,
    setHeaders: [config.upstream, ...Object.values(config.upstreams)].flatMap((u) =>
      Object.keys(u.setHeaders),
    ),
  });
  const rulesOptions = {
    caseSensitive: config.paths.caseSensitive,
    trailingSlash: config.paths.trailingSlash,
    paths: config.paths,
  };
  const failures: FailureLimit | null = config.failureLimit && createFailureLimit(config.failureLimit, clock);

  return {
    mode: config.mode,
    log: config.log,
    forwardToken: config.identity.forwardToken,
    maxBodySize: config.listen.maxBodySize,
    canonical: compileCanonical(config.paths),
    client: compileClient(config.listen.trustedProxies),
    rules: compileRules(config.rules, rulesOptions),
    /** What decides where no rule matches; null: nothing is served there. */
    fallback: config.unmatched === 'deny' ? null : compileRule(requiredEverywhere, -1, rulesOptions),
    extract: compileExtract(config.token.sources),
    sameOrigin: compileSameOrigin(config.token.allowedOrigins),
    verifier: createVerifier<Prepared>({
      issuers: config.issuers.map((options, index) => ({ options, keys: keySets[index] as KeySet })),
      maxSize: config.token.maxSize,
      cache: config.token.cache,
      integerClaims: readClaims(config, identity.claimPaths),
      clock,
      prepare: (token) => ({
        identity: identity.headers(token.claims as Claims, token.payload),
        subject: subject(token.claims.sub),
      }),
    }),
    failures,
    requestHeaders: compileRequestHeaders({
      strip,
      tokenHeaders: config.token.sources.flatMap((source) => (source.type === 'header' ? [source.name] : [])),
    }),
    upstreams,
  };
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
  upstream: null,
  stripPrefix: null,
  mode: null,
} as const;

/** Claims that headers carry or rules match: an integer in one of them must be exact. */
function readClaims(config: Config, mapped: readonly ClaimPath[]): ClaimPath[] {
  const matched = [...config.rules, ...config.issuers].flatMap((each) => Object.keys(each.claims));
  return [...mapped, ...matched.map(compileClaimPath)];
}
