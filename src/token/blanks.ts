/** A part of a text without the spaces and tabs around it, and nothing else: RFC 9110 section 5.6.3. */
export function trimBlanks(text: string, start = 0, end = text.length): string {
  const first = Math.min(skipBlanks(text, start), end);
  let last = end;
  while (last > first && isBlank(text, last - 1)) last--;
  return text.slice(first, last);
}

/** Where the first character that is neither space nor tab stands, from a place on. */
export function skipBlanks(text: string, start: number): number {
  let at = start;
  while (isBlank(text, at)) at++;
  return at;
}

function isBlank(text: string, at: number): boolean {
  return text[at] === ' ' || text[at] === '\t';
}
