/** The dot that `İ` leaves behind in lower case, and that Lithuanian keeps under accents. */
const dotAbove = /(?<=\p{Soft_Dotted}\p{Mark}{0,30})\u0307/gu;
const beyondAscii = /[^\0-\x7f]/;

/**
 * A text without case, for comparison alone. Two letters are one if any common way to ignore case takes them for one,
 * because the upstream may compare in that way: simple and full case folding of Unicode, a comparison in upper or in
 * lower case, and Turkish, where `I` belongs to `ı` and `İ` to `i`. The result is its own folded form.
 */
export function fold(text: string): string {
  if (!beyondAscii.test(text)) return text.toLowerCase();
  const lower = text.toLowerCase().toUpperCase().toLowerCase().replaceAll('ς', 'σ');
  return lower.includes('\u0307') ? lower.normalize('NFD').replace(dotAbove, '').normalize('NFC') : lower;
}

/** A segment of a canonical path, decoded and without case. */
export function foldSegment(segment: string): string {
  return fold(segment.includes('%') ? decodeURIComponent(segment) : segment);
}
