/**
 * The value of a `Cookie` header without every cookie of one name (RFC 6265 section 5.4), the others byte for byte.
 * Empty when nothing is left.
 */
export function withoutCookie(value: string, name: string): string {
  if (!value.includes(name)) return value;
  return value
    .split(';')
    .filter((pair) => nameOf(pair) !== name)
    .join(';')
    .trimStart();
}

function nameOf(pair: string): string {
  const end = pair.indexOf('=');
  return (end < 0 ? pair : pair.slice(0, end)).trim();
}
