import { get } from 'node:http';

/** Where a sidecar's admin port is configured to be. */
export interface AdminPlace {
  readonly host: string | null;
  readonly port: number;
}

/** Milliseconds. */
const patience = 2000;

/** Asks a running sidecar's `/livez`, from the same machine. Null: it is live; else why not. */
export function askHealth({ host, port }: AdminPlace): Promise<string | null> {
  // Of the whole answer: a server that drips its headers is not live either. An agent of its own knows no proxy, which
  // NODE_USE_ENV_PROXY would give to Node's.
  const signal = AbortSignal.timeout(patience);
  const options = { host: reachable(host), port, path: '/livez', agent: false, signal };
  return new Promise((resolve) => {
    const request = get(options, (response) => {
      response.resume();
      resolve(response.statusCode === 200 ? null : `the admin port answered ${response.statusCode}`);
    });
    request.on('error', ({ code, message }: NodeJS.ErrnoException) => {
      const late = `no answer within ${patience} ms`;
      resolve(`the admin port cannot be reached (${signal.aborted ? late : (code ?? message)})`);
    });
  });
}

/** All addresses are no address to connect to. */
function reachable(host: string | null): string {
  if (host === null || host === '0.0.0.0') return '127.0.0.1';
  return host === '::' ? '::1' : host;
}
