import type { Provider } from 'oidc-provider';

export type ProviderClass = typeof Provider;

/** Why the demo cannot start here; the message is a sentence for a terminal and says what to do. */
export class DemoUnavailableError extends Error {
  override readonly name = 'DemoUnavailableError';
  readonly code = 'DEMO_UNAVAILABLE';
}

/**
 * Loads oidc-provider, which is a development dependency and so absent from an installed package.
 *
 * @param importer how to import it, for tests.
 * @throws DemoUnavailableError where it is not installed.
 */
export async function loadProvider(importer = importProvider): Promise<ProviderClass> {
  try {
    return (await importer()).Provider;
  } catch (error) {
    if (!isMissing(error)) throw error;
    throw new DemoUnavailableError(
      'The demo needs the package oidc-provider, which only a checkout has: run `npm ci && npm run demo` there.',
    );
  }
}

/** Not the package's index, because that prints a warning under every Node.js without long-term support. */
function importProvider(): Promise<{ Provider: ProviderClass }> {
  return import('oidc-provider/lib/provider.js');
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';
}
