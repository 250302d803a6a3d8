import type { LookupFunction } from 'node:net';
import { ageOf, type Clock, type Moment, readMoment } from '../clock.ts';
import { discover } from './discover.ts';
import type { FetchedJson, FetchJson } from './fetch.ts';
import { readText } from './file.ts';
import { parseJson } from './json.ts';
import type { KeySetConfig } from './options.ts';
import { isPem, readPem } from './pem.ts';
import { type MayReach, reachOf } from './reach.ts';
import type { Trigger } from './status.ts';

/** Where one issuer's key set comes from. */
export interface Source {
  /** Whether an unknown key id is a reason to look again. */
  readonly remote: boolean;
  /** Rejects with a {@link FetchError}. */
  read(trigger: Trigger): Promise<FetchedJson>;
}

export interface SourceParts {
  readonly fetchJson: FetchJson;
  readonly clock: Clock;
  readonly lookup: LookupFunction;
}

interface Discovered {
  readonly keysUrl: string;
  readonly mayReach: MayReach;
  readonly at: Moment;
}

/** The one source that the configuration names. */
export function createSource(config: KeySetConfig, parts: SourceParts): Source {
  const { jwks, jwksFile, jwksUri } = config;
  const { fetchJson } = parts;
  if (jwks !== null) return { remote: false, read: async () => ({ document: jwks }) };
  if (jwksFile !== null) return { remote: false, read: () => readKeyFile(jwksFile) };
  if (jwksUri !== null) return { remote: true, read: () => fetchJson(jwksUri, { withToken: true }) };
  return createDiscovered(config, parts);
}

async function readKeyFile(path: string): Promise<FetchedJson> {
  const text = await readText(path, 'jwksFile');
  return { document: isPem(text) ? readPem(text, 'jwksFile') : parseJson(text, 'jwksFile') };
}

/**
 * An unknown key is looked for where metadata of this interval said; any other fetch, and one after a failure, asks the
 * metadata anew. By age, since unknown keys could otherwise hold on to an address that the issuer has left.
 */
function createDiscovered({ issuer, keys }: KeySetConfig, { fetchJson, clock, lookup }: SourceParts): Source {
  let last: Discovered | undefined;
  const find = async (): Promise<Discovered> => ({
    keysUrl: await discover(issuer, fetchJson),
    mayReach: await reachOf(new URL(issuer), lookup),
    at: readMoment(clock),
  });
  return {
    remote: true,
    async read(trigger) {
      const recent = last !== undefined && ageOf(last.at, clock) < keys.refresh;
      const found = trigger === 'unknown_key' && last !== undefined && recent ? last : await find();
      last = undefined;
      const { keysUrl, mayReach } = found;
      // The metadata may name any host, and the token is for the issuer alone.
      const withToken = new URL(keysUrl).origin === new URL(issuer).origin;
      const fetched = await fetchJson(keysUrl, { mayReach, withToken });
      last = found;
      return fetched;
    },
  };
}
