import type { Fault } from './fault.ts';

/** A forward proxy for the fetches of keys, as the environment names it. */
export interface ProxyVariables {
  readonly httpsProxy: string;
  /** Who is reached without it; empty: nobody but this machine. */
  readonly noProxy: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads `HTTPS_PROXY` and `NO_PROXY`, in lower case too, which wins. Null: there is no proxy. */
export function readProxyVariables(env: Environment): ProxyVariables | null {
  const httpsProxy = env.https_proxy || env.HTTPS_PROXY || '';
  return httpsProxy === '' ? null : { httpsProxy, noProxy: env.no_proxy || env.NO_PROXY || '' };
}

/** What is wrong with them. The value may hold a password: it is not quoted. */
export function checkProxyVariables(proxy: ProxyVariables | null): Fault[] {
  if (proxy === null) return [];
  const { protocol } = URL.canParse(proxy.httpsProxy) ? new URL(proxy.httpsProxy) : { protocol: '' };
  if (protocol === 'http:' || protocol === 'https:') return [];
  return [{ path: '', message: 'HTTPS_PROXY is not an http or https URL' }];
}
