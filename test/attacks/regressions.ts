import type { Target } from './harness.ts';

/** Answers that a request which must not be forwarded may get: refusals, none of which is our own fault. */
export function mayAnswer(text: string): boolean {
  const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));
  return statuses.every((status) => status >= 400 && status < 500);
}

/** Whether such a request is answered so, and comes to nothing at the upstream. */
export async function judgeRegression(target: Target, converse: () => Promise<string>): Promise<boolean> {
  const before = target.upstream.bytes;
  const answer = await converse();
  return mayAnswer(answer) && target.upstream.bytes === before;
}
