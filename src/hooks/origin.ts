import type { FastifyRequest } from 'fastify';
import type { Exchange } from '../exchange.ts';

/** The origin by which the client knows this service: as a trusted proxy says, else as the connection shows. */
export function originOf(request: FastifyRequest, exchange: Exchange): string {
  const { headers, raw } = request;
  const said = (name: string): string | undefined => {
    const value = exchange.client.peerTrusted ? headers[name] : undefined;
    return typeof value === 'string' ? value : undefined;
  };
  const scheme = said('x-forwarded-proto') ?? ('encrypted' in raw.socket ? 'https' : 'http');
  return `${scheme}://${said('x-forwarded-host') ?? headers.host ?? ''}`;
}
