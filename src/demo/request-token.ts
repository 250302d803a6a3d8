export interface TokenRequest {
  /** Space-separated. Default `orders:read`; an empty one asks for none. */
  readonly scope?: string;
  /** Resource indicator (RFC 8707). Default the issuer's own choice. */
  readonly resource?: string;
}

export interface Client {
  readonly tokenEndpoint: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

/** Asks a token endpoint for an access token by client credentials (RFC 6749 section 4.4). Rejects when refused. */
export async function requestToken(client: Client, request: TokenRequest = {}): Promise<string> {
  const { scope = 'orders:read', resource } = request;
  const form = new URLSearchParams({ grant_type: 'client_credentials' });
  if (scope !== '') form.set('scope', scope);
  if (resource !== undefined) form.set('resource', resource);

  const credentials = `${encodeURIComponent(client.clientId)}:${encodeURIComponent(client.clientSecret)}`;
  const response = await fetch(client.tokenEndpoint, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` },
    body: form,
  });
  const answer = (await response.json()) as { access_token?: string; error?: string };
  if (answer.access_token === undefined) {
    throw new Error(`The token endpoint answered ${response.status} ${answer.error ?? ''}`.trimEnd());
  }
  return answer.access_token;
}
