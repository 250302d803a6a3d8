import { systemClock } from './clock.ts';
import type { Loaded } from './config/complete.ts';
import type { IssuerConfig, UpstreamConfig } from './config/schema.ts';
import { connectThrough } from './keys/proxy.ts';
import { createKeySet } from './keys/set.ts';
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
    ...Object.entries(config.upstreams).map(([name, upstream]) => ({ path: `upstreams.${name}`, upstream })),
  ];
  return Promise.all([
    ...config.issuers.map((issuer, index) => checkIssuer(issuer, `issuers[${index}]`, proxy)),
    ...upstreams.map(({ path, upstream }) => dial(path, upstream)),
  ]);
}

async function checkIssuer(issuer: IssuerConfig, path: string, proxy: Loaded['proxy']): Promise<OnlineCheck> {
  const set = createKeySet({
    ...issuer,
    // What is asked is whether the issuer answers.
    keys: { ...issuer.keys, cacheFile: null },
    clock: systemClock,
    ...(proxy && { dispatcher: connectThrough(proxy) }),
    events: { fetched() {}, changed() {}, skipped() {}, cached() {} },
  });
  await set.start();
  const { keys, skipped, lastError } = set.status();
  set.close();
  if (keys.length === 0)
    return { path, ok: false, message: lastError?.message ?? 'no keys could be fetched' };
  const left = skipped.length > 0 ? `, ${skipped.length} skipped` : '';
  return { path, ok: true, message: `${keys.length} usable ${keys.length === 1 ? 'key' : 'keys'}${left}` };
}

/** Opens one connection as the gateway would, TLS verified included. Every failure but a time-out has a code. */
function dial(path: string, options: UpstreamConfig): Promise<OnlineCheck> {
  const upstreams = createUpstreams({ [path]: options });
  return new Promise((resolve) => {
    upstreams.get(path).dial((error, socket) => {
      socket?.destroy();
      upstreams.destroy();
      const { code = 'error' } = (error ?? {}) as NodeJS.ErrnoException;
      resolve({
        path,
        ok: error === null,
        message: error === null ? 'accepts connections' : `no connection: ${code}`,
      });
    });
  });
}
