import { type Stats, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { readable } from './check-ports.ts';
import { checkMatcher } from './check-rules.ts';
import { parseUrl } from './formats.ts';
import type { Path } from './path.ts';
import type { Config, IssuerConfig } from './schema.ts';
import type { Checked, Finding } from './validate.ts';

/** Members of a JWK that make it a secret, RFC 7518 section 6. */
const secretMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];
const anHour = 3_600_000;

/** Whose tokens are accepted, and where their keys come from. */
export function checkIssuers({ issuers }: Config): Checked {
  const faults: Finding[] = [];
  const warnings: Finding[] = [];
  for (const [index, issuer] of issuers.entries()) {
    const path: Path = ['issuers', index];
    if (issuers.findIndex((other) => other.issuer === issuer.issuer) < index) {
      faults.push({ path: [...path, 'issuer'], message: 'is configured twice' });
    }
    const { cacheFile } = issuer.keys;
    if (cacheFile !== null && issuers.findIndex(({ keys }) => keys.cacheFile === cacheFile) < index) {
      faults.push({
        path: [...path, 'keys', 'cacheFile'],
        message: 'is that of another issuer: each needs one of its own',
      });
    }
    faults.push(...checkSource(issuer, path), ...checkKeys(issuer, path));
    for (const [claim, matcher] of Object.entries(issuer.claims)) {
      faults.push(...checkMatcher(matcher, [...path, 'claims', claim], []));
    }
    warnings.push(...adviseOn(issuer, path));
  }
  return { faults, warnings };
}

function checkSource(issuer: IssuerConfig, path: Path): Finding[] {
  const { discovery, jwksUri, jwksFile, jwks, keys } = issuer;
  const given = [
    discovery && 'discovery',
    jwksUri && 'jwksUri',
    jwksFile && 'jwksFile',
    jwks && 'jwks',
  ].filter(Boolean);
  if (given.length !== 1) {
    const all = 'discovery, jwksUri, jwksFile, jwks';
    return [
      {
        path,
        message: `exactly one of ${all} must say where the keys are; there ${given.length === 0 ? 'is none' : `are ${given.join(' and ')}`}`,
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
        message: 'must be a URL for the keys to be found; else set jwksUri, jwksFile or jwks',
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
        },
      ]
    : [];
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
  { keys, keys: { refresh, maxStale, caFile, bearerTokenFile } }: IssuerConfig,
  path: Path,
): Finding[] {
  const faults = readable({ caFile, bearerTokenFile }, [...path, 'keys']);
  if (maxStale < refresh)
    faults.push({ path: [...path, 'keys', 'maxStale'], message: 'must be at least keys.refresh' });
  return keys.timeout > refresh
    ? [...faults, { path: [...path, 'keys', 'timeout'], message: 'must be at most keys.refresh' }]
    : faults;
}

function adviseOn({ audience, maxLifetime, keys, jwks, jwksFile }: IssuerConfig, path: Path): Finding[] {
  const warnings: Finding[] = [];
  if (audience === null) {
    warnings.push({
      path: [...path, 'audience'],
      message: 'is not checked: a token meant for any other service of this issuer passes',
    });
  }
  if (maxLifetime === null || maxLifetime > anHour) {
    warnings.push({
      path: [...path, 'maxLifetime'],
      message: 'is best at most 1h: until it expires, a stolen token is as good as its owner',
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
  return warnings;
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
