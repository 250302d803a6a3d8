import type { IncomingMessage } from 'node:http';
import { isIPv4, isIPv6 } from 'node:net';
import type { Exchange } from '../exchange.ts';
import { compilePrefix } from '../limit/prefix.ts';
import type { Logger } from '../observe/logger.ts';
import type { Policy } from '../policy.ts';

/** RFC 6750 section 2.3, which RFC 9700 section 4.3.2 forbids. */
const tokenInQuery = /[?&]access_token=/;

export type Warn = (exchange: Exchange, request: IncomingMessage) => void;

/** Compiles what is said of requests that hint at a wrong setting. Each is said once, so that no client can fill the log. */
export function compileWarn(logger: Logger): Warn {
  let saidQuery = false;
  /** Once for each config: a reload may have made it better or worse. */
  const saidForwarded = new WeakSet<Policy>();
  const networkOf = compilePrefix({ ipv4Prefix: 32, ipv6Prefix: 64 });

  function sayForwarded({ policy, client, requestId }: Exchange): void {
    if (saidForwarded.has(policy)) return;
    saidForwarded.add(policy);
    const { peer } = client;
    const bits = isIPv4(peer) ? '/32' : isIPv6(peer) ? '/64' : '';
    logger.warn({
      msg: 'X-Forwarded-For from a peer that is not trusted is ignored',
      requestId,
      network: `${networkOf(peer)}${bits}`,
      setting: 'listen.trustedProxies',
      hint: 'if this is a proxy of yours, add its network: until then all clients behind it count as one',
    });
  }

  return function warn(exchange, request) {
    if (!saidQuery && tokenInQuery.test(exchange.url)) {
      saidQuery = true;
      logger.warn({
        msg: 'a token in a query is never read, and other logs may keep it',
        requestId: exchange.requestId,
      });
    }
    if (!exchange.client.peerTrusted && request.headers['x-forwarded-for'] !== undefined) {
      sayForwarded(exchange);
    }
  };
}
