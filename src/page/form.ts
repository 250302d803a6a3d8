import type { ExplainInput } from '../explain/explain.ts';

/** What a browser says about where a form came from. */
export interface FormEvidence {
  readonly secFetchSite: string | undefined;
  readonly origin: string | undefined;
  readonly host: string | undefined;
}

/**
 * Whether a form came from our own page: any page in the same browser can send one to localhost. `Sec-Fetch-Site`
 * decides where there is one, since no page can set it; else `Origin`. Neither of them: it did not.
 */
export function isOwnForm({ secFetchSite, origin, host }: FormEvidence): boolean {
  if (secFetchSite !== undefined) return secFetchSite === 'same-origin';
  if (origin === undefined || host === undefined || host === '') return false;
  const own = host.toLowerCase();
  return [`http://${own}`, `https://${own}`].includes(origin.toLowerCase());
}

const fields: ReadonlySet<string> = new Set(['token', 'method', 'path']);

/** Reads the explainer's form; null: it is not what it must be. */
export function readForm(body: string): ExplainInput | null {
  const form = new URLSearchParams(body);
  const names = [...form.keys()];
  if (names.some((name) => !fields.has(name)) || new Set(names).size < names.length) return null;
  const token = form.get('token');
  if (token === null) return null;
  // As if nothing had been typed there.
  return { token, method: form.get('method') || 'GET', path: form.get('path') || '/' };
}
