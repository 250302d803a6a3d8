import { reasons } from '../errors.ts';
import type { Explanation } from './explain.ts';

/** What becomes of the request, in one sentence. */
export function conclude({ decision, reason, status }: Explanation): string {
  if (reason === 'ok') return 'allowed';
  if (decision === 'report') return `refused (${reason}), but forwarded without identity: mode is report`;
  return `denied: ${status} ${reason} — ${reasons[reason].detail}`;
}
