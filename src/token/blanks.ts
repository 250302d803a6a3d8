/** A part of a text without the spaces and tabs around it, and nothing else: RFC 9110 section 5.6.3. */
export function trimBlanks(text: string, start = 0, end = text.length): string {
  let first = start;
  let last = end;
  while (first < last && isBlank(text, first)) first++;
  while (last > first && isBlank(text, last - 1)) last--;
  return text.slice(first, last);
}

function isBlank(text: string, at: number): boolean {
  return text[at] === ' ' || text[at] === '\t';
}
