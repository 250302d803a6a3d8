/**
 * The bytes that a base64url text stands for, RFC 7515 section 2. Undefined unless the text is the one
 * spelling of these bytes: the alphabet alone, no padding, no blanks, unused bits zero. So no two spellings
 * of one token exist.
 */
export function decodeBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url');
  // Buffer forgives what it does not know; only what it would write itself comes back unchanged.
  return bytes.toString('base64url') === text ? bytes : undefined;
}
