import { type ClaimPath, type Claims, compileClaimPath } from '../claims/path.ts';
import { encodeValue } from './encode.ts';

export interface IdentityOptions {
  /** Identity headers: name to claim path. */
  readonly headers: Readonly<Record<string, string>>;
  /** The header that carries the whole payload as base64url; null: none does. */
  readonly payloadHeader: string | null;
}

/** What the upstream is told about a verified token. */
export interface Identity {
  /** Every claim that a header may carry, fallbacks included. */
  readonly claimPaths: readonly ClaimPath[];
  /**
   * The identity headers of a verified token, flat: name, value, name, value. A missing claim sets none.
   *
   * @param payload the payload's base64url part as it came
   */
  headers(claims: Claims, payload: string): readonly string[];
}

interface Reading {
  readonly claimPaths: readonly ClaimPath[];
  value(claims: Claims): string | undefined;
}

/**
 * Compiles the identity headers. `client_id` reads `azp` where it is missing; `scope` reads `scp` where it is missing,
 * and a string or a list of strings becomes one space-separated string.
 *
 * @throws SyntaxError whose message is a plain sentence, for text that is no claim path
 */
export function compileIdentity({ headers, payloadHeader }: IdentityOptions): Identity {
  const mapped = Object.entries(headers).map(([name, path]) => ({ name, reading: compileReading(path) }));
  return {
    claimPaths: mapped.flatMap(({ reading }) => reading.claimPaths),
    headers(claims, payload) {
      const flat: string[] = [];
      for (const { name, reading } of mapped) {
        const value = reading.value(claims);
        if (value !== undefined) flat.push(name, value);
      }
      if (payloadHeader !== null) flat.push(payloadHeader, payload);
      return flat;
    },
  };
}

function compileReading(path: string): Reading {
  if (path === 'scope') return compileFallback(path, 'scp', encodeScope);
  if (path === 'client_id') return compileFallback(path, 'azp', encodeValue);
  const claim = compileClaimPath(path);
  return { claimPaths: [claim], value: (claims) => encodeValue(claim.read(claims)) };
}

function compileFallback(
  path: string,
  fallback: string,
  encode: (value: unknown) => string | undefined,
): Reading {
  const first = compileClaimPath(path);
  const second = compileClaimPath(fallback);
  return {
    claimPaths: [first, second],
    value: (claims) => encode(first.read(claims) ?? second.read(claims)),
  };
}

/** A space inside a listed scope is encoded: the upstream, which splits at spaces, must not read two scopes of one. */
function encodeScope(value: unknown): string | undefined {
  const scopes = typeof value === 'string' ? value.split(' ') : value;
  if (!Array.isArray(scopes) || !scopes.every((scope) => typeof scope === 'string')) return undefined;
  const words = scopes.map((scope) => encodeValue(scope)?.replaceAll(' ', '%20'));
  return words.filter((word) => word !== undefined).join(' ') || undefined;
}
