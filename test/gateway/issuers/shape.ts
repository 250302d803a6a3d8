import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { loadConfig } from '../../../src/config/load.ts';
import { parseText } from '../../../src/config/parse.ts';
import type { ConfigInput } from '../../../src/config/schema.ts';
import { readBlocks, readDoc } from '../../docs/markdown.ts';
import { createCertificate } from '../../helpers/certificate.ts';
import { forge } from '../../helpers/forge.ts';
import { startFakeIssuer } from '../../helpers/issuer.ts';
import type { TestKey } from '../../helpers/key.ts';
import type { RequestOptions } from '../../helpers/request.ts';
import { bearer, type Scene, startScene } from '../scene.ts';

export type Claims = Readonly<Record<string, unknown>>;

export interface ShapeOptions {
  /** Of the section in docs/issuers.md. */
  readonly heading: string;
  /** Which of the section's configs. Default 0: the first. */
  readonly block?: number;
  /** What the issuer serves, by its true address. */
  readonly documents: Readonly<Record<string, object>>;
  /** Signs. */
  readonly key: TestKey;
  /** The header of its tokens, besides `alg` and `kid`. */
  readonly header?: Claims;
  /** Contents of the files that the config names, by their path; `CA` is the certificate of the servers, now https. */
  readonly files?: Readonly<Record<string, string>>;
  /** Whether a request for keys or metadata is answered; others get 401. Default: all. */
  readonly admits?: (authorization: string | undefined) => boolean;
  /** Another issuer to trust than the one that the config names. */
  readonly issuer?: string;
}

/** A gateway with the config of the documentation, between the issuer that it names and an echo. */
export interface Shape {
  readonly scene: Scene;
  /** A token of these claims, which may name the issuer's true addresses. */
  mint(claims: Claims, key?: TestKey): string;
  /** A request with such a token. */
  carrying(claims: Claims, path?: string): RequestOptions;
  /** How many keys of the configured issuer serve, and how many are skipped. */
  keys(): Promise<{ readonly serving: number; readonly skipped: number }>;
}

/** The times of a token made now, in seconds. */
export function lasting(seconds: number): { readonly iat: number; readonly exp: number } {
  const iat = Math.floor(Date.now() / 1000);
  return { iat, exp: iat + seconds };
}

/**
 * Starts one for as long as a test runs. Addresses stand in documentation, metadata and claims as they truly are, and
 * give way to those of servers on this machine in all of them alike; nothing else changes.
 */
export async function startShape(t: Test, options: ShapeOptions): Promise<Shape> {
  const { key } = options;
  const folder = t.testdir({});
  const move = await startServers(t, options, folder);
  const config = readConfig(options, move, join(folder, 'sidecar.yaml'));
  // The echo takes the place of the config's upstream, and the scene's own issuer is not trusted.
  const { upstream, ...rest } = config;
  t.equal(upstream, 'http://127.0.0.1:3000');
  const scene = await startScene(t, rest, { issuer: { keys: [key] } });
  const mint: Shape['mint'] = (claims, by = key) =>
    forge({
      header: { alg: by.alg, kid: by.kid, ...options.header },
      payload: move(JSON.stringify(claims)),
      alg: by.alg,
      key: by.privateKey,
    });
  return {
    scene,
    mint,
    carrying: (claims, path = '/') => ({ path, headers: bearer(mint(claims)) }),
    async keys() {
      const count = (name: string) => scene.gateway.metric(`${name}{issuer="${config.issuers[0]?.issuer}"}`);
      return {
        serving: await count('jwks_sidecar_jwks_keys'),
        skipped: await count('jwks_sidecar_jwks_skipped_keys'),
      };
    },
  };
}

type Move = (text: string) => string;

/** A server for each host that has documents. What it gives puts their addresses, and those of files, into a text. */
async function startServers(t: Test, options: ShapeOptions, folder: string): Promise<Move> {
  const { documents, key, files = {}, admits = () => true } = options;
  const certificate = createCertificate();
  const tls = Object.keys(files).length > 0 && { tls: certificate };
  const places = new Map<string, string>();
  const move = (text: string) => moveTo(text, places);
  for (const [path, content] of Object.entries(files)) {
    const file = join(folder, path.replaceAll('/', '_'));
    writeFileSync(file, content === 'CA' ? certificate.cert : content);
    places.set(path, file);
  }
  for (const origin of new Set(Object.keys(documents).map((url) => new URL(url).origin))) {
    const server = await startFakeIssuer(t, { keys: [key], ...tls });
    places.set(origin, server.url);
    server.respond((request, response) => {
      const document = documents[`${origin}${request.url}`];
      response.statusCode = document === undefined ? 404 : admits(request.headers.authorization) ? 200 : 401;
      response.setHeader('content-type', 'application/json');
      response.end(response.statusCode === 200 ? move(JSON.stringify(document)) : '{}');
    });
  }
  return move;
}

/** The text of a section of docs/issuers.md. */
function readSection(heading: string): string {
  const [, after = ''] = readDoc('issuers.md').split(`\n## ${heading}\n`);
  return after.split('\n## ')[0] ?? '';
}

/** The whole configs of a section. */
function readConfigs(heading: string): string[] {
  return readBlocks(readSection(heading), 'yaml').filter((text) => text.startsWith('# sidecar.yaml\n'));
}

function readConfig({ heading, block = 0, issuer }: ShapeOptions, move: Move, file: string): ConfigInput {
  const text = readConfigs(heading)[block];
  if (text === undefined) throw new Error(`docs/issuers.md has no such config of ${heading}`);
  const moved = move(text);
  writeFileSync(file, moved);
  // For the faults that only reading the file finds.
  loadConfig({ file, env: {}, cwd: '/' });
  const config = parseText(moved).value as ConfigInput;
  if (issuer === undefined) return config;
  return { ...config, issuers: config.issuers.map((each) => ({ ...each, issuer: move(issuer) })) };
}

/** Longer ones first: some begin like others. */
function moveTo(text: string, places: ReadonlyMap<string, string>): string {
  return [...places]
    .toSorted(([a], [b]) => b.length - a.length)
    .reduce((moved, [from, to]) => moved.replaceAll(from, to), text);
}
