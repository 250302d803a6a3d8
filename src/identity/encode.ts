/**
 * Writes a claim's value as a header value of visible ASCII and inner spaces, so that two values of one JSON type never
 * look alike: `%`, everything else, and leading and trailing spaces are percent-encoded as UTF-8.
 *
 * - A string is itself, a number or boolean its JSON, an object base64url of its JSON.
 * - A list is its elements joined by `,`, each by these rules with its own commas encoded; lists in it are base64url
 *   of their JSON, as objects are. An element that is null or "" is empty text: `["a",""]` is `a,`, and `[""]` an
 *   empty header where `[]` has none.
 *
 * Types do look alike: `"1"` and `1`, `"a,b"` and `["a","b"]`. An upstream knows which type it expects.
 *
 * @returns undefined when there is no header to set: the value is missing, null, "" or `[]`
 */
export function encodeValue(value: unknown): string | undefined {
  if (!Array.isArray(value)) return encodeOne(value) || undefined;
  if (value.length === 0) return undefined;
  return value.map(encodeElement).join(',');
}

function encodeElement(element: unknown): string {
  return (Array.isArray(element) ? encodeJson(element) : encodeOne(element)).replaceAll(',', '%2C');
}

function encodeOne(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return encodeText(value);
    case 'number':
    case 'boolean':
      return JSON.stringify(value);
    case 'object':
      return value === null ? '' : encodeJson(value);
    default:
      return '';
  }
}

function encodeJson(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function encodeText(text: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === ' ') end--;
  let begin = 0;
  while (begin < end && text[begin] === ' ') begin++;
  const inner = text.slice(begin, end).replace(/[^ -$&-~]/gu, percentEncode);
  return '%20'.repeat(begin) + inner + '%20'.repeat(text.length - end);
}

function percentEncode(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  // A lone surrogate has no UTF-8, and U+FFFD would make them all alike: three bytes of its own, as in WTF-8.
  const lone = code >= 0xd800 && code <= 0xdfff;
  const bytes = lone
    ? Buffer.of(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f))
    : Buffer.from(character);
  return bytes.toString('hex').toUpperCase().replace(/../g, '%$&');
}
