/** A place in a config: keys and list positions, outermost first. */
export type Path = readonly (string | number)[];

/** As a person writes it: `issuers[0].keys.refresh`, `identity.headers["X-A.B"]`. */
export function formatPath(path: Path): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (/^[\w-]+$/.test(part)) text += text === '' ? part : `.${part}`;
    else text += `[${JSON.stringify(part)}]`;
  }
  return text;
}
