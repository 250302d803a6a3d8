/**
 * How servers behind a gateway find the segments of a path, each in the way that is most dangerous of those it is known
 * for. A path of which they all see the same segments is safe in front of any of them.
 */
export const models: Readonly<Record<string, (path: string) => readonly string[]>> = {
  /** Splits, then decodes each segment; resolves nothing. */
  Express: (path) => path.split('/').map(decode),
  /** Decodes, merges slashes and resolves dot segments, then splits. */
  nginx: (path) => resolve(decode(path)),
  /** Cuts parameters, decodes, takes backslashes for slashes, merges and resolves. */
  Tomcat: (path) => resolve(decode(path.replace(/;[^/]*/g, '')).replaceAll('\\', '/')),
  /** Decodes, `%u002f` too, takes backslashes for slashes, ends at NUL. What Windows makes of a file's name comes after. */
  IIS: (path) => {
    const wide = path.replace(/%u([0-9a-f]{4})/gi, (_, digits) =>
      String.fromCharCode(Number.parseInt(digits, 16)),
    );
    const [whole = ''] = decode(wide).replaceAll('\\', '/').split('\0');
    return resolve(whole);
  },
  /** Resolves as a browser and every URL library of today does (WHATWG), then decodes. */
  browser: (path) => decode(new URL(path.replace(/^\/+/, '/'), 'http://a').pathname).split('/'),
};

/** As one that leaves what it cannot decode. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return lax(text);
  }
}

/** Decodes byte by byte, as Latin-1, and leaves what it cannot read. */
export function lax(path: string): string {
  return path.replace(/%([0-9a-f]{2})/gi, (_, digits) => String.fromCharCode(Number.parseInt(digits, 16)));
}

function resolve(path: string): readonly string[] {
  const segments: string[] = [];
  const parts = path.replace(/\/+/g, '/').split('/').slice(1);
  for (const [index, part] of parts.entries()) {
    if (part === '..') segments.pop();
    else if (part !== '.') segments.push(part);
    if (/^\.\.?$/.test(part) && index === parts.length - 1) segments.push('');
  }
  return ['', ...segments];
}
