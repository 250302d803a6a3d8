import type { Refusal } from '../errors.ts';

/**
 * Refuses SOURCE, a method of ICE that Node's parser takes for one of HTTP, and the methods that no gateway may pass on: CONNECT asks for a tunnel, and TRACE sends a request's headers
 * back to whoever reads the answer, RFC 9110 sections 9.3.6 and 9.3.8.
 */
export function checkMethod(method: string | undefined): Refusal | null {
  if (method === 'SOURCE') return { refused: 'request_malformed' };
  return method === 'TRACE' || method === 'CONNECT' ? { refused: 'method_not_allowed' } : null;
}
