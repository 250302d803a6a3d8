import type { Test } from 'tap';
import { type DemoIssuer, type IssuerOptions, startIssuer } from '../../src/demo/issuer.ts';

export type { DemoIssuer, IssuerOptions } from '../../src/demo/issuer.ts';
export * from './fake-issuer.ts';

/** Starts the demo's real issuer (oidc-provider) for as long as a test runs. */
export async function startDemoIssuer(
  t: Pick<Test, 'teardown'>,
  options?: IssuerOptions,
): Promise<DemoIssuer> {
  const issuer = await startIssuer(options);
  t.teardown(() => issuer.close());
  return issuer;
}
