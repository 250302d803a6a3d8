import type { Test } from 'tap';
import { type Echo, type EchoOptions, startEcho as start } from '../../src/demo/echo.ts';

export type { Echo, EchoOptions, Seen } from '../../src/demo/echo.ts';

/** Starts the demo's echo upstream for as long as a test runs. */
export async function startEcho(t: Pick<Test, 'teardown'>, options?: EchoOptions): Promise<Echo> {
  const echo = await start(options);
  t.teardown(() => echo.close());
  return echo;
}
