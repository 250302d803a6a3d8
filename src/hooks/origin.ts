import type { FastifyRequest } from 'fastify';
import type { Exchange } from '../exchange.ts';
import { isLegalHost, readScheme } from '../proxy/forwarded.ts';

/**
 * The origin by which the client knows this service: as a trusted proxy says, otherwise as the connection shows. Of a
 * chain of proxies each of which added its own word, the first one spoke with the client.
 */
export function originOf(request: FastifyRequest, exchange: Exchange): string {
  const { headers, raw } = request;
  const said = (name: string): string | undefined => {
    const value = exchange.client.peerTrusted ? headers[name] : undefined;
    return typeof value === 'string' ? value.split(',', 1)[0]?.trim() || undefined : undefined;
  };
  const scheme = readScheme(said('x-forwarded-proto')) ?? ('encrypted' in raw.socket ? 'https' : 'http');
  const host = said('x-forwarded-host');
  return `${scheme}://${host !== undefined && isLegalHost(host) ? host : (headers.host ?? '')}`;
}
