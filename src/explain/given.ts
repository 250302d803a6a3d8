/**
 * The token in what somebody has pasted: without spaces and quotes around it, and without the name of the header or of
 * the scheme. What else is wrong with it is for the gateway's own stages to say.
 */
export function readGiven(text: string): string {
  return text
    .trim()
    .replace(/^(["'])(.*)\1$/s, '$2')
    .trim()
    .replace(/^authorization:\s*/i, '')
    .replace(/^bearer(\s+|$)/i, '');
}
