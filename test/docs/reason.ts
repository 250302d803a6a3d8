import { type Reason, reasons } from '../../src/errors.ts';

export function isReason(text: string): text is Reason {
  return Object.hasOwn(reasons, text);
}
