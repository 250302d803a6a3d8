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

/** Reads the explainer's form; null: it is not what it must be. */
export function readForm(body: string): ExplainInput | null {
  const form = readFields(body, ['token', 'method', 'path']);
  const token = form?.get('token') ?? null;
  if (form === null || token === null) return null;
  // As if nothing had been typed there.
  return { token, method: form.get('method') || 'GET', path: form.get('path') || '/' };
}

/** What the form of the blocked clients asks for. */
export interface BlocksForm {
  /** The admin token; empty: none was typed. */
  readonly token: string;
  /** The network to release; null: they are only to be shown. */
  readonly release: string | null;
}

/** Reads the form of the blocked clients; null: it is not what it must be. */
export function readBlocksForm(body: string): BlocksForm | null {
  const form = readFields(body, ['token', 'show', 'release']);
  return form && { token: form.get('token')?.trim() ?? '', release: form.get('release') };
}

/** Null: there is a field that is not known, or one that is there twice. */
function readFields(body: string, known: readonly string[]): URLSearchParams | null {
  const form = new URLSearchParams(body);
  const names = [...form.keys()];
  const foreign = names.some((name) => !known.includes(name)) || new Set(names).size < names.length;
  return foreign ? null : form;
}
