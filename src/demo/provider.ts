import type { Adapter, Configuration, Provider } from 'oidc-provider';
import type { ProviderClass } from './load-provider.ts';
import type { SigningKey } from './signing-key.ts';

export interface ProviderOptions {
  readonly issuer: string;
  /** The first one signs; all are published. */
  readonly keys: readonly SigningKey[];
  /** Resource indicators (RFC 8707) that a token may be asked for; the first is the default. */
  readonly audiences: readonly string[];
  readonly scopes: readonly string[];
  readonly clientId: string;
  readonly clientSecret: string;
  /** Milliseconds that a token is valid for; whole seconds count. */
  readonly lifetime: number;
}

/** Sets oidc-provider up for the client credentials grant alone, with JWT access tokens (RFC 9068). */
export function createProvider(Provider: ProviderClass, options: ProviderOptions): Provider {
  const provider = new Provider(options.issuer, {
    ...quiet,
    jwks: { keys: options.keys.map((key) => key.privateJwk) },
    scopes: [...options.scopes],
    clients: [
      {
        client_id: options.clientId,
        client_secret: options.clientSecret,
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
      },
    ],
    ttl: { ClientCredentials: Math.floor(options.lifetime / 1000) },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      userinfo: { enabled: false },
      resourceIndicators: resourceIndicators(options),
    },
  });
  // Koa prints the errors that it has answered already, a client's abort among them.
  provider.silent = true;
  return provider;
}

function resourceIndicators({ audiences, scopes }: ProviderOptions) {
  const scope = scopes.join(' ');
  return {
    enabled: true,
    defaultResource: () => audiences[0] ?? [],
    getResourceServerInfo: (_context: unknown, audience: string) => {
      if (!audiences.includes(audience)) throw unknownResource();
      return { audience, scope, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } } } as const;
    },
  };
}

/** RFC 8707 section 2, in the form that Koa reads errors. */
function unknownResource(): Error {
  return Object.assign(new Error('invalid_target'), {
    expose: true,
    statusCode: 400,
    error_description: 'the resource is not served by this issuer',
  });
}

/** Nothing is kept: a JWT access token needs no look-up, and no other grant is offered. */
const forgetful: Adapter = {
  upsert: async () => undefined,
  find: async () => undefined,
  findByUserCode: async () => undefined,
  findByUid: async () => undefined,
  consume: async () => undefined,
  destroy: async () => undefined,
  revokeByGrantId: async () => undefined,
};

/** What oidc-provider prints a notice about when it is left at its default. */
const quiet = {
  adapter: () => forgetful,
  clientBasedCORS: () => false,
  renderError: (context, out) => {
    context.type = 'json';
    context.body = out;
  },
} satisfies Configuration;
