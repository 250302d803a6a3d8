/** With `%`: in the path of a refused request a token's dots may still be encoded. */
const longRun = /[\w.%-]{16,}/g;
const dot = /\.|%(?:25)*2e/i;
const unprintable = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufeff\u202a-\u202e\u2066-\u2069]/g;

/** True for what is shaped like a JWT, whole or cut: three dotted parts, or the base64url of `{"`. */
function tokenShaped(run: string): boolean {
  if (run.includes('eyJ')) return true;
  const parts = run.split(dot);
  return parts.length >= 3 && parts.filter((part) => part.length >= 10).length >= 2;
}

/** Masks whatever is shaped like a token in a path. Linear: the pattern is one character class. */
export function maskPath(path: string): string {
  if (path.length < 16) return path;
  return path.replace(longRun, (run) => (tokenShaped(run) ? '[masked]' : run));
}

/** Text from a stranger as a log line may hold it: control characters visible, at most `limit` characters. */
export function printable(text: string, limit: number): string {
  const cut = text.length > limit ? text.slice(0, limit) : text;
  return cut.replace(unprintable, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
