/** The text of a config that lets everything through to an upstream, on free ports; `more` is laid over it. */
export function openConfig(upstream: string, more: object = {}): string {
  return JSON.stringify({
    upstream,
    listen: { host: '127.0.0.1', port: 0 },
    admin: { host: '127.0.0.1', port: 0 },
    issuers: [{ issuer: 'https://a.example', audience: 'a', jwks: { keys: [] } }],
    rules: [{ path: '/*', auth: 'none' }],
    drain: { delay: 0 },
    ...more,
  });
}
