/** Entra ID writes this in place of the tenant, in any case; the token's `tid` fills it. */
const placeholder = /\{tenantid\}/i;

/** Whose tokens a key may verify. */
export interface KeyIssuer {
  /** What the `tid` of a token must be; undefined where the key is not bound to a tenant. */
  readonly tenant: string | undefined;
}

/**
 * Reads the member `issuer` by which Entra ID says whose tokens a key signs: one issuer, or with `{tenantid}` that of
 * each tenant. A token's `iss` is the configured issuer by the time its key matters, so the template is filled here,
 * once; what remains to be compared is the token's `tid`.
 *
 * @param named - the key's own issuer; undefined where it names none
 * @returns undefined where the key belongs to another issuer
 */
export function readKeyIssuer(named: unknown, issuer: string): KeyIssuer | undefined {
  if (named === undefined || named === issuer) return { tenant: undefined };
  if (typeof named !== 'string') return undefined;
  const parts = named.split(placeholder);
  const first = parts[0] as string;
  const length = (issuer.length - parts.join('').length) / (parts.length - 1);
  const tenant = issuer.slice(first.length, first.length + length);
  return tenant !== '' && !tenant.includes('/') && parts.join(tenant) === issuer ? { tenant } : undefined;
}
