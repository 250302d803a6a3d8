import { EnvHttpProxyAgent } from 'undici';
import type { DispatcherFactory } from './fetch.ts';

/** A forward proxy, and who is reached without it. */
export interface ForwardProxy {
  /** http or https URL, with credentials where it wants some. */
  readonly httpsProxy: string;
  /** Names, `.suffixes` and `name:port`, separated by commas or spaces; `*`: all. */
  readonly noProxy: string;
}

/** Connects to https hosts through a tunnel of the proxy (CONNECT); the host's own certificate is verified all the same. */
export function connectThrough({ httpsProxy, noProxy }: ForwardProxy): DispatcherFactory {
  return (connect) =>
    new EnvHttpProxyAgent({
      // Plain http, where it is allowed at all, is not sent to a third party.
      httpProxy: '',
      httpsProxy,
      noProxy,
      connect,
      requestTls: connect,
      proxyTls: { timeout: connect.timeout, rejectUnauthorized: true },
    });
}
