import { beginsPem } from './describe-text.ts';
import { isObject } from './json.ts';

/** Where Google publishes the keys of Firebase as a JWK Set; the address that its own guide names has certificates. */
const firebaseKeys =
  'https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com';

/** What a JSON document is that is not a JWK Set, and what to do about it. It quotes nothing of the document. */
export function describeDocument(document: unknown): string {
  if (document === null) return 'it is null';
  if (Array.isArray(document)) return 'it is a list; a JWK Set is { "keys": [ ... ] }';
  if (!isObject(document)) return `it is a ${typeof document}; a JWK Set is { "keys": [ ... ] }`;
  if (typeof document.jwks_uri === 'string' || typeof document.authorization_endpoint === 'string')
    return "it is the issuer's metadata; set jwksUri to the jwks_uri in it, or leave jwksUri out";
  if (typeof document.kty === 'string') return 'it is a single key; put it into { "keys": [ ... ] }';
  if (isCertificateMap(document))
    return `it is a map of certificates, as Google publishes beside its JWK Sets; for Firebase set jwksUri: ${firebaseKeys}`;
  if (document.error !== undefined) return 'it reports an error';
  return document.keys === undefined ? 'it has no member "keys"' : 'its "keys" are not a list';
}

function isCertificateMap(document: Readonly<Record<string, unknown>>): boolean {
  const values = Object.values(document);
  return values.length > 0 && values.every((value) => typeof value === 'string' && beginsPem(value));
}
