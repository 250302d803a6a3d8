import { systemClock } from './clock.ts';
import type { Loaded } from './config/complete.ts';
import { formatPath } from './config/path.ts';
import type { IssuerConfig, UpstreamConfig } from './config/schema.ts';
import { connectThrough } from './keys/proxy.ts';
import { createKeySet } from './keys/set.ts';
import type { KeySetStatus, KeyStatus } from './keys/status.ts';
import { createUpstreams } from './proxy/upstreams.ts';

export interface OnlineCheck {
  /** The config path that was tried, such as `issuers[0]`. */
  readonly path: string;
  readonly ok: boolean;
  /** What was found, in words. */
  readonly message: string;
}

/** `check --online`: fetches each issuer's metadata and keys and dials each upstream, all at once. */
export async function checkOnline({
  config,
  proxy,
}: Pick<Loaded, 'config' | 'proxy'>): Promise<OnlineCheck[]> {
  const upstreams = [
    { path: 'upstream', upstream: config.upstream },
    ...Object.entries(config.upstreams).map(([name, upstream]) => ({
      path: formatPath(['upstreams', name]),
      upstream,
    })),
  ];
  return Promise.all([
    ...config.issuers.map((issuer, index) => checkIssuer(issuer, `issuers[${index}]`, proxy)),
    ...upstreams.map(({ path, upstream }) => dial(path, upstream)),
  ]);
}

const everyAlgorithm = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA'],
];

async function checkIssuer(issuer: IssuerConfig, path: string, proxy: Loaded['proxy']): Promise<OnlineCheck> {
  const status = await fetchKeys(issuer, proxy);
  const { keys, skipped, lastError } = status;
  const usable = keys.filter(({ algorithms }) => algorithms.some((each) => isListed(each, issuer)));
  const other = skipped.length + keys.length - usable.length;
  if (usable.length > 0) {
    const left = other > 0 ? `, ${other} skipped` : '';
    return {
      path,
      ok: true,
      message: `${usable.length} usable ${usable.length === 1 ? 'key' : 'keys'}${left}`,
    };
  }
  const why =
    keys.length > 0
      ? `its keys are ${namesOf(keys)}; algorithms is [${issuer.algorithms.join(', ')}]`
      : (lastError?.message ?? 'no keys could be fetched');
  return { path, ok: false, message: why };
}

/** Its keys of every algorithm, so that those that are not configured can be named. */
async function fetchKeys(issuer: IssuerConfig, proxy: Loaded['proxy']): Promise<KeySetStatus> {
  const set = createKeySet({
    ...issuer,
    algorithms: [...new Set([...everyAlgorithm, ...issuer.algorithms])],
    // What is asked is whether the issuer answers.
    keys: { ...issuer.keys, cacheFile: null },
    clock: systemClock,
    ...(proxy && { dispatcher: connectThrough(proxy) }),
    events: { fetched() {}, changed() {}, skipped() {}, cached() {} },
  });
  await set.start();
  const status = set.status();
  set.close();
  return status;
}

function isListed(algorithm: string, issuer: IssuerConfig): boolean {
  const listed: readonly string[] = issuer.algorithms;
  // Two names of one algorithm, RFC 9864.
  const alike = ['EdDSA', 'Ed25519'];
  return (
    listed.includes(algorithm) || (alike.includes(algorithm) && listed.some((each) => alike.includes(each)))
  );
}

/** `RS256`, or `RSA` where a key says no algorithm and serves several. */
function namesOf(keys: readonly KeyStatus[]): string {
  const names = keys.map(({ algorithms, type }) => (algorithms.length === 1 ? algorithms[0] : type));
  return [...new Set(names)].join(' and ');
}

/** Why a connection could not be opened, by the code of the system or of OpenSSL. */
const causes: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'it was closed at once',
  ENOTFOUND: 'the name is unknown',
  EAI_AGAIN: 'the name could not be looked up',
  EHOSTUNREACH: 'there is no way to this host',
  ENETUNREACH: 'there is no way to this network',
  ETIMEDOUT: 'nothing answered in time',
  UND_ERR_CONNECT_TIMEOUT: 'nothing answered in time',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by itself: tls.caFile can name it',
  SELF_SIGNED_CERT_IN_CHAIN: 'its authority is not trusted: tls.caFile can name it',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its authority is not trusted: tls.caFile can name it',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its authority is not trusted: tls.caFile can name it',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name: tls.serverName can say which',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS: is it http?',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'it does not speak TLS: is it http?',
};

/** Opens one connection as the gateway would, TLS verified included. Every failure but a time-out has a code. */
function dial(path: string, options: UpstreamConfig): Promise<OnlineCheck> {
  const upstreams = createUpstreams({ [path]: options });
  const { hostname, port, protocol } = new URL(options.url);
  const where = `${hostname}:${port || (protocol === 'https:' ? 443 : 80)}`;
  return new Promise((resolve) => {
    upstreams.get(path).dial((error, socket) => {
      socket?.destroy();
      upstreams.destroy();
      resolve({
        path,
        ok: error === null,
        message:
          error === null ? `${where} accepts connections` : `no connection to ${where}: ${explain(error)}`,
      });
    });
  });
}

function explain(error: Error): string {
  const { code = 'error' } = error as NodeJS.ErrnoException;
  return Object.hasOwn(causes, code) ? `${code} (${causes[code]})` : code;
}
