import { type KeyObject, randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { JWK } from 'jose';
import type { Test } from 'tap';
import { closeServer } from '../../src/demo/close-server.ts';
import { withDeadline } from './deadline.ts';
import { forge } from './forge.ts';
import { type Algorithm, makeKey, type TestKey } from './key.ts';

export interface FakeIssuerOptions {
  /** One key is made for each. Default RS256 alone; the first one signs. */
  readonly algorithms?: readonly Algorithm[];
  /** Keys to publish instead; the first one signs. */
  readonly keys?: readonly TestKey[];
  /** Default `api://orders`. */
  readonly audience?: string;
  /** What metadata and tokens call it, where that is not the address. */
  readonly issuer?: string;
  /** Default 0: a free one. */
  readonly port?: number;
  /** PEM; then it speaks https. */
  readonly tls?: { readonly key: string | Buffer; readonly cert: string | Buffer };
}

export interface FakeMintOptions {
  /** Laid over those of an ordinary token; one that is `undefined` is left out. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Laid over `alg`, `typ` and `kid`; one that is `undefined` is left out. How it is signed does not change. */
  readonly header?: Readonly<Record<string, unknown>>;
  /** Signs, and is named, instead of the first one. */
  readonly key?: TestKey;
}

/** Answers in the issuer's stead; `next` gives the answer that the issuer would have given. */
export type Responder = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;

/** What an issuer is asked for. */
export type Resource = 'metadata' | 'jwks';

/** Starts an issuer that has no token endpoint, whose keys and answers a test commands. */
export async function startFakeIssuer(
  t: Pick<Test, 'teardown'>,
  options: FakeIssuerOptions = {},
): Promise<FakeIssuer> {
  const { algorithms = ['RS256'], port = 0, tls, audience = 'api://orders' } = options;
  const keys = options.keys ?? (await Promise.all(algorithms.map((alg) => makeKey(alg))));
  const server = tls ? createTlsServer(tls) : createServer();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const url = `${tls ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const fake = new FakeIssuer(server, { url, issuer: options.issuer ?? url, audience, keys });
  t.teardown(() => fake.close());
  return fake;
}

export class FakeIssuer {
  readonly issuer: string;
  readonly url: string;
  readonly jwksUri: string;
  readonly audience: string;
  /** How often each was asked for. */
  readonly fetches: Record<Resource, number> = { metadata: 0, jwks: 0 };
  #keys: readonly TestKey[];
  #published: readonly unknown[];
  #responder: Responder = passOn;
  readonly #server: Server;
  readonly #arrivals = new EventEmitter();

  constructor(
    server: Server,
    identity: { url: string; issuer: string; audience: string; keys: readonly TestKey[] },
  ) {
    this.#server = server;
    this.url = identity.url;
    this.issuer = identity.issuer;
    this.audience = identity.audience;
    this.jwksUri = `${this.url}/jwks`;
    this.#keys = identity.keys;
    this.#published = publicJwks(identity.keys);
    server.on('request', (request, response) => this.#receive(request, response));
  }

  /** The first one signs. */
  get keys(): readonly TestKey[] {
    return this.#keys;
  }

  get signingKey(): TestKey {
    const key = this.#keys[0];
    if (key === undefined) throw new Error('This issuer was given no key');
    return key;
  }

  publicJwk(): JWK {
    return this.signingKey.publicJwk;
  }

  privateKey(): KeyObject {
    return this.signingKey.privateKey;
  }

  mint({ claims, header, key = this.signingKey }: FakeMintOptions = {}): string {
    const { alg, kid } = key;
    return forge({
      header: { alg, typ: 'at+jwt', kid, ...header },
      payload: { ...ordinaryClaims(this.issuer, this.audience), ...claims },
      alg,
      key: key.privateKey,
    });
  }

  /**
   * Signs with a new key from now on and publishes it, before the old ones or, with `keepOld` false, alone.
   * `alg` is by default that of the key before.
   */
  async rotate({ keepOld = true, alg = this.signingKey.alg } = {}): Promise<TestKey> {
    const next = await makeKey(alg);
    this.#keys = keepOld ? [next, ...this.#keys] : [next];
    this.#published = publicJwks(this.#keys);
    return next;
  }

  /** Publishes exactly these, sound or not, until the next rotation; what signs stays. */
  publish(jwks: readonly unknown[]): void {
    this.#published = jwks;
  }

  /** Lets a responder answer from now on; without one, all is well again. */
  respond(responder: Responder = passOn): void {
    this.#responder = responder;
  }

  /** Resolves once `fetches` has come to `count`. */
  async fetched(resource: Resource, count: number): Promise<void> {
    while (this.fetches[resource] < count) {
      await withDeadline(once(this.#arrivals, 'arrival'), `fetch ${count} of the ${resource}`);
    }
  }

  close(): Promise<void> {
    return closeServer(this.#server);
  }

  #receive(request: IncomingMessage, response: ServerResponse): void {
    const resource = resourceAt(request.url ?? '');
    if (resource !== undefined) {
      this.fetches[resource] += 1;
      this.#arrivals.emit('arrival');
    }
    this.#responder(request, response, () => {
      response.statusCode = resource === undefined ? 404 : response.statusCode;
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(this.#document(resource)));
    });
  }

  #document(resource: Resource | undefined): object {
    if (resource === 'jwks') return { keys: this.#published };
    if (resource === 'metadata') return { issuer: this.issuer, jwks_uri: this.jwksUri };
    return { error: 'not_found' };
  }
}

const passOn: Responder = (_request, _response, next) => next();

function resourceAt(path: string): Resource | undefined {
  if (path === '/jwks') return 'jwks';
  return path.includes('/.well-known/') ? 'metadata' : undefined;
}

function publicJwks(keys: readonly TestKey[]): JWK[] {
  return keys.map((key) => key.publicJwk);
}

/** Those of RFC 9068 section 2.2, good for five minutes. */
function ordinaryClaims(issuer: string, audience: string) {
  const iat = Math.floor(Date.now() / 1000);
  const identity = { iss: issuer, sub: 'subject', client_id: 'client', aud: audience, scope: 'orders:read' };
  return { ...identity, jti: randomUUID(), iat, exp: iat + 300 };
}
