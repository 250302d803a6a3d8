import { once } from 'node:events';
import { DemoUnavailableError } from './load-provider.ts';
import { createPrinter } from './print.ts';
import { type Stage, startStage } from './stage.ts';
import { runTour } from './tour.ts';

export interface DemoOptions {
  /** Ends after the tour. */
  readonly once: boolean;
}

/** Runs the demo. Resolves to the exit code: 1 when a step answered otherwise, 2 where the issuer is not installed. */
export async function runDemo(options: DemoOptions): Promise<number> {
  const printer = createPrinter(process.stdout);
  let stage: Stage;
  try {
    stage = await startStage();
  } catch (error) {
    if (!(error instanceof DemoUnavailableError)) throw error;
    printer.note(error.message);
    return 2;
  }
  printer.note(
    `\njwks-sidecar demo\n  sidecar   ${stage.url}  (admin ${stage.admin})\n` +
      `  issuer    ${stage.issuer.issuer}\n  upstream  ${stage.echo.url}`,
  );
  const wrong = await runTour(stage, printer);
  printer.note(
    wrong === 0 ? '\nEvery step answered as it should.' : `\n${wrong} steps did not answer as they should.`,
  );
  if (!options.once) {
    printer.note(
      `\nStill serving. Open ${stage.admin}/ in a browser: the status page, which also explains a token.\n` +
        'Or paste any line above into another terminal. Ctrl-C ends it.',
    );
    await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  }
  await stage.close();
  return wrong === 0 ? 0 : 1;
}
