import type { UnverifiedToken } from '../token/read.ts';

/** What a token for Microsoft Graph is, and what to do about it. */
export const forGraph =
  'this is a token for Microsoft Graph, which nobody but Graph can verify: have the client ask for a scope of your own API, such as api://…/.default';

/** Its application id, and its names. */
const audiences: ReadonlySet<unknown> = new Set([
  '00000003-0000-0000-c000-000000000000',
  'https://graph.microsoft.com',
  'https://graph.microsoft.com/',
]);

/** By a member that Entra ID puts into the header of such tokens after it has signed them, or by the audience. */
export function isForGraph({ header, claims }: Pick<UnverifiedToken, 'header' | 'claims'>): boolean {
  return typeof header.nonce === 'string' || audiences.has(claims.aud);
}
