import { type Stats, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { checkIssuerName, hintScheme } from './check-issuer-name.ts';
import { readable } from './check-ports.ts';
import { checkMatcher } from './check-rules.ts';
import { type Checked, type Finding, join } from './finding.ts';
import { parseUrl } from './formats.ts';
import type { Path } from './path.ts';
import type { Config, IssuerConfig } from './schema.ts';
import { formatDuration } from './units.ts';

/** Members of a JWK that make it a secret, RFC 7518 section 6. */
const secretMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];
const anHour = 3_600_000;

/** Whose tokens are accepted, and where their keys come from. */
export function checkIssuers({ issuers }: Config): Checked {
  return join(
    issuers.flatMap((issuer, index) => {
      const path: Path = ['issuers', index];
      const claims = Object.entries(issuer.claims).flatMap(([claim, matcher]) =>
        checkMatcher(matcher, [...path, 'claims', claim], []),
      );
      const faults = [
        ...checkRepeated(issuers, index),
        ...checkSource(issuer, path),
        ...checkKeys(issuer, path),
        ...claims,
      ];
      return [
        { faults, warnings: [] },
        checkIssuerName(issuer, path),
        checkKeysUrl(issuer, path),
        adviseOn(issuer, path),
      ];
    }),
  );
}

/** What each issuer needs one of its own of. */
function checkRepeated(issuers: readonly IssuerConfig[], index: number): Finding[] {
  const path: Path = ['issuers', index];
  const { issuer, keys } = issuers[index] as IssuerConfig;
  const faults: Finding[] = [];
  const same = issuers.findIndex((other) => other.issuer === issuer);
  if (same < index) {
    faults.push({
      path: [...path, 'issuer'],
      message: `is configured twice: issuers[${same}] is the same issuer`,
      restsOn: [['issuers', same, 'issuer']],
    });
  }
  const shared = issuers.findIndex((other) => other.keys.cacheFile === keys.cacheFile);
  if (keys.cacheFile !== null && shared < index) {
    faults.push({
      path: [...path, 'keys', 'cacheFile'],
      message: 'is that of another issuer: each needs one of its own',
      restsOn: [['issuers', shared, 'keys', 'cacheFile']],
    });
  }
  return faults;
}

const sources = ['discovery', 'jwksUri', 'jwksFile', 'jwks'] as const;

function checkSource(issuer: IssuerConfig, path: Path): Finding[] {
  const { jwksUri, jwksFile, jwks, discovery, keys } = issuer;
  const given = sources.filter((each) => issuer[each]);
  const restsOn = sources.map((each) => [...path, each]);
  if (given.length !== 1) {
    return [
      {
        path,
        message: `exactly one of ${sources.join(', ')} must say where the keys are; there ${given.length === 0 ? 'is none' : `are ${given.join(' and ')}`}`,
        restsOn,
      },
    ];
  }
  if (jwks !== null) return checkInline(jwks, [...path, 'jwks']);
  if (jwksFile !== null) return readable({ jwksFile }, path);
  const key = discovery ? 'issuer' : 'jwksUri';
  const url = parseUrl(jwksUri ?? issuer.issuer);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    return [
      {
        path: [...path, key],
        message: 'must be a URL for the keys to be found, unless jwksUri, jwksFile or jwks is set',
        hint: hintScheme(issuer.issuer),
        restsOn,
      },
    ];
  }
  const insecure = url.protocol === 'http:' && !isLoopback(url.hostname) && !keys.allowInsecureHttp;
  return insecure
    ? [
        {
          path: [...path, key],
          message: 'must be https: whoever can change the keys can forge tokens',
          hint: 'keys.allowInsecureHttp permits it',
          restsOn: [...restsOn, [...path, 'keys', 'allowInsecureHttp']],
        },
      ]
    : [];
}

function checkKeysUrl({ issuer, jwksUri }: IssuerConfig, at: Path): Checked {
  const url = parseUrl(jwksUri ?? '');
  if (jwksUri === null || url === null) return { faults: [], warnings: [] };
  const path = [...at, 'jwksUri'];
  if (/\/\.well-known\/(openid-configuration|oauth-authorization-server)(\/|$)/.test(url.pathname)) {
    const message = 'is the address of the metadata, not of the keys';
    return {
      faults: [{ path, message, hint: 'leave jwksUri out: discovery reads the metadata' }],
      warnings: [],
    };
  }
  const page = url.pathname === '/' || jwksUri.replace(/\/$/, '') === issuer.replace(/\/$/, '');
  const message = 'looks like the address of a page, not of a key set';
  const hint = 'leave jwksUri out for discovery, or take the jwks_uri of the metadata';
  return { faults: [], warnings: page ? [{ path, message, hint, restsOn: [[...at, 'issuer']] }] : [] };
}

function checkInline(jwks: object, path: Path): Finding[] {
  const { keys } = jwks as { keys?: unknown };
  if (!Array.isArray(keys)) return [{ path, message: 'must hold a list "keys", RFC 7517' }];
  return keys.flatMap((key: unknown, index) => {
    const secret = typeof key === 'object' && key !== null && secretMembers.some((member) => member in key);
    return secret
      ? [
          {
            path: [...path, 'keys', index],
            message: 'is not a public key: private and symmetric keys have no place here',
          },
        ]
      : [];
  });
}

function checkKeys(
  { keys: { refresh, maxStale, timeout, caFile, bearerTokenFile } }: IssuerConfig,
  path: Path,
): Finding[] {
  const faults = readable({ caFile, bearerTokenFile }, [...path, 'keys']);
  const restsOn = [[...path, 'keys', 'refresh']];
  const hint = `refresh is ${formatDuration(refresh)}`;
  if (maxStale < refresh) {
    const message = `must be at least keys.refresh, and is ${formatDuration(maxStale)}`;
    faults.push({ path: [...path, 'keys', 'maxStale'], message, hint, restsOn });
  }
  if (timeout > refresh) {
    const message = `must be at most keys.refresh, and is ${formatDuration(timeout)}`;
    faults.push({ path: [...path, 'keys', 'timeout'], message, hint, restsOn });
  }
  return faults;
}

function adviseOn({ audience, maxLifetime, keys, jwks, jwksFile }: IssuerConfig, path: Path): Checked {
  const warnings: Finding[] = [];
  if (audience === null) {
    warnings.push({
      path: [...path, 'audience'],
      message: 'is not checked: a token meant for any other service of this issuer passes',
    });
  }
  if (keys.allowInsecureHttp) {
    warnings.push({
      path: [...path, 'keys', 'allowInsecureHttp'],
      message: 'whoever can change the answer can forge tokens',
    });
  }
  if (keys.cacheFile !== null) {
    const message =
      jwks !== null || jwksFile !== null
        ? 'is not used: these keys are not fetched'
        : doubtOfFolder(dirname(resolve(keys.cacheFile)));
    if (message !== undefined) warnings.push({ path: [...path, 'keys', 'cacheFile'], message });
  }
  const unlimited = maxLifetime === null || maxLifetime > anHour;
  const message = 'is best at most 1h: until it expires, a stolen token is as good as its owner';
  return { faults: [], warnings, notes: unlimited ? [{ path: [...path, 'maxLifetime'], message }] : [] };
}

/**
 * The file itself is not believed if somebody else may have written it. Who may write in its folder cannot forge keys,
 * but can take the file away or put an older one of ours in its place.
 */
function doubtOfFolder(folder: string): string | undefined {
  const user = process.geteuid?.();
  const status = lookAt(folder);
  if (user === undefined || status === undefined) return undefined;
  const own = (status.uid === user || status.uid === 0) && (status.mode & 0o022) === 0;
  return own
    ? undefined
    : 'is in a folder where others may write, who can remove the file or bring back an older one';
}

/** Undefined where it does not exist here or may not be looked at. */
function lookAt(folder: string): Stats | undefined {
  try {
    return statSync(folder);
  } catch {
    return undefined;
  }
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
}
