import { Client } from 'undici';
import type { Stage } from './stage.ts';

/** What a request of the tour got. */
export interface Got {
  readonly status: number;
  /** The reason, where the sidecar answered itself. */
  readonly code: string | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: what the echo answers is looked into by the step that asked.
  readonly body: any;
}

export interface Ask {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One step: a line to paste, the same request made here, and what must come back. */
export interface Step {
  readonly title: string;
  readonly line: string;
  readonly ask: Ask;
  readonly status: number;
  readonly code?: string;
  /** More that must hold, and what is worth showing. */
  look?(got: Got): { readonly good: boolean; readonly detail?: string };
}

/** Sends one request to the sidecar, as `curl` would. */
export async function send(
  url: string,
  { path = '/orders/42', method = 'GET', headers = {} }: Ask,
): Promise<Got> {
  const client = new Client(url);
  try {
    const answer = await client.request({ path, method, headers });
    const text = await answer.body.text();
    const json = String(answer.headers['content-type']).includes('json');
    const body = json ? JSON.parse(text) : text;
    return { status: answer.statusCode, code: body?.code, body };
  } finally {
    await client.close();
  }
}

/** Runs a step and says whether all was as it should be. */
export async function run(
  stage: Stage,
  step: Step,
): Promise<{ good: boolean; answer: string; detail: string }> {
  const got = await send(stage.url, step.ask);
  const looked = step.look?.(got) ?? { good: true };
  const good = got.status === step.status && got.code === step.code && looked.good;
  const answer =
    got.code === undefined ? String(got.status) : `${got.status} ${got.code} — ${got.body.detail}`;
  const wanted = good ? '' : ` (expected ${[step.status, step.code].filter(Boolean).join(' ')})`;
  return { good, answer: answer + wanted, detail: looked.detail ?? '' };
}
