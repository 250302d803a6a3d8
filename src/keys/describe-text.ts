/** What a text is that is not JSON, to follow "is". It quotes nothing of the text. */
export function describeText(text: string): string {
  const start = text.trimStart().slice(0, 200);
  if (start === '') return 'empty';
  if (/^<!doctype html|^<html|^<head|^<body|^<title/i.test(start)) return 'an HTML page, not JSON';
  if (start.startsWith('<')) return 'XML or HTML, not JSON';
  if (/^-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(start)) return 'a private key in PEM, not JSON';
  if (beginsPem(start)) return 'a key or certificate in PEM, not JSON; save it as a file and set jwksFile';
  if (/^eyJ[\w-]*\.[\w-]*\.?/.test(start)) return 'a JSON Web Token, not a JWK Set';
  if (/^MII[\w+/=]+\s/.test(`${start} `))
    return 'a key or certificate without its BEGIN and END lines, not JSON';
  if (/^(\x1f|\x28\ufffd\x2f\ufffd)/.test(text)) return 'compressed, without a Content-Encoding that says so';
  return 'not JSON';
}

/** RFC 7468 section 2. */
export function beginsPem(text: string): boolean {
  return text.trimStart().startsWith('-----BEGIN ');
}
