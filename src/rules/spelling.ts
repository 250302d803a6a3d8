import { servedMethods } from './methods.ts';

/**
 * A part of a path that means something in another router, or nothing that a request can have. Left alone, such a rule
 * would match no request and say nothing, and what it was to protect would be decided by the next rule.
 */
interface Misspelling {
  readonly found: RegExp;
  /** The rest of the sentence that begins with `The path "…"`. It names the right spelling. */
  say(found: readonly string[]): string;
}

const regex = 'regular expressions are not read here';
const wild = 'write ":name" for one whole segment, or "*" as the last one for the rest';
const rest = 'write "*" as the last segment for the rest of the path';

const beginnings: readonly Misspelling[] = [
  { found: /^\*?$/, say: () => 'is written "/*" where every path is meant' },
  {
    found: /^[a-z][a-z0-9+.-]*:\/\/+[^/]*(\/.*)?$/i,
    say: ([, path = '/']) => `is a whole URL; write its path alone: "${path}"`,
  },
  {
    found: /^[\w-]+(?:(?:\.[\w-]+)+(?::\d+)?|:\d+)(\/.*)$/,
    say: ([, path]) => `begins with a host; write its path alone: "${path}"`,
  },
  {
    found: new RegExp(`^(${servedMethods.join('|')})\\s+(/.*)$`, 'i'),
    say: ([, method = '', path]) =>
      `begins with a method; write path: "${path}" and methods: [${method.toUpperCase()}]`,
  },
  {
    found: /^(?:~\*?|=|\^~)\s*\^?(\/.*)$/,
    say: ([, path]) => `begins as a location of nginx does; write "${path}"`,
  },
  { found: /^\^/, say: () => `begins with "^"; ${regex}: a path is matched from its beginning` },
  {
    found: /^["'`]/,
    say: () => 'begins with a quotation mark that is part of it; quote it once or not at all',
  },
  { found: /^\s+\//, say: () => 'begins with a blank; leave it out' },
  { found: /^(?!\/)[.\\/]*(.*)/s, say: ([, path]) => `must begin with "/": write "/${path}"` },
];

/** In the order in which they are said: what explains most comes first. */
const misspellings: readonly Misspelling[] = [
  ...beginnings,
  {
    found: /[\0-\x1f\x7f-\x9f]/,
    say: () => 'holds a control character or a line break, which no request has in its path; leave it out',
  },
  { found: /%\((\w+)\)[sd]?/, say: ([all, name]) => sayTemplate(all, name) },
  { found: /(?<!\])[$#@]?\{(?:[^{}]|\{[^{}]*\})*\}+/, say: ([all]) => sayTemplate(all) },
  { found: /:(\w+)<[^<>]*>/, say: ([all, name]) => sayTemplate(all, name) },
  { found: /<[^<>]*>/, say: ([all]) => sayTemplate(all) },
  { found: /\[+(?:\.{3})?[A-Za-z_]\w*\]+(?![+*?{])/, say: ([all]) => sayTemplate(all) },
  {
    found: /:([A-Za-z_]\w*)\(/,
    say: ([, name]) => `limits what ":${name}" takes; ${regex}: write ":${name}" alone`,
  },
  {
    found: /\(\?[P']?<?(\w+)>/,
    say: ([, name]) => `holds a group; ${regex}: write ":${name}" for one whole segment`,
  },
  { found: /\[[^\]]*\][+*?]?|[[\]]/, say: ([all]) => `holds "${all}"; ${regex}: ${wild}` },
  { found: /\|/, say: () => 'holds "|"; one rule has one path: write a rule for each' },
  { found: /[()]/, say: ([all]) => `holds "${all}"; ${regex}: ${wild}; ${meant(all)}` },
  { found: /\\[dDwWsSbB.*+?][+*?]?/, say: ([all]) => `holds "${all}"; ${regex}: ${wild}` },
  { found: /\\/, say: () => 'holds a backslash; write "/" between segments' },
  { found: /\^/, say: () => `holds "^"; ${regex}: ${wild}` },
  {
    found: /\$$/,
    say: () => `ends with "$"; ${regex}: a path is matched to its end, so leave it out; ${meant('$')}`,
  },
  { found: /\/\.[+?](?=\/|$)/, say: () => `holds ".+" or ".?"; ${regex}: ${wild}` },
  {
    found: /\/:([A-Za-z_]\w*)\?(?=\/|$)/,
    say: ([, name]) => `makes ":${name}" optional; write two rules, one with ":${name}" and one without`,
  },
  { found: /\/:([A-Za-z_]\w*)[+*](?=\/|$)/, say: ([, name]) => `repeats ":${name}"; ${rest}` },
  { found: /\?/, say: () => 'holds a "?"; rules match the path alone: leave the query out' },
  { found: /#/, say: () => 'holds a "#"; a fragment is never sent: leave it out' },
  { found: /;/, say: () => 'holds a ";"; parameters of a segment play no part in matching: leave them out' },
  { found: /\/(?:\.\*|\*\*+|\*\w+)$/, say: ([all]) => `ends with "${all}"; ${rest}` },
  {
    found: /\/\*[^/]*(?=\/)/,
    say: () =>
      'has a "*" before its end; "*" may only be the whole last segment: write ":name" for one segment',
  },
  {
    found: /[^/]\*|\*(?!$)/,
    say: () => `has a "*" within a segment; "*" may only be the whole last segment: ${wild}; ${meant('*')}`,
  },
  { found: /\/(:(?![A-Za-z_]\w*(?:\/|$))[^/]*)/, say: ([, segment]) => sayParameter(segment) },
  { found: /\s/u, say: ([all]) => `holds a blank; leave it out, or write "${encode(all)}"` },
  {
    found: /%(?![0-9A-Fa-f]{2})/,
    say: () => 'holds a "%" that two hexadecimal digits do not follow; a literal one is "%25"',
  },
  { found: /\p{Cs}/u, say: () => 'holds half a character, which no request has in its path; leave it out' },
  {
    found: /[^\p{L}\p{M}\p{N}\-._~%!$&'*+,=:@/]/u,
    say: ([all]) => `holds ${show(all)}; where it is meant, write "${encode(all)}"`,
  },
  { found: /\/\/+/, say: () => 'has an empty segment, which no request is matched with; write one "/"' },
];

/** Without any of them: nearly every path. */
const plain = /^(?:\/(?::[A-Za-z_]\w*|[\w-]+(?:\.[\w-]+)*))*(?:\/\*?)?$/;

/** Says in a sentence why a text is no path of a rule, with the right spelling. Null: nothing is misspelled. */
export function describeMisspelling(path: string): string | null {
  if (path !== '' && plain.test(path)) return null;
  for (const { found, say } of misspellings) {
    const match = found.exec(path);
    if (match !== null) return printable(`The path "${path}" ${say(match)}.`);
  }
  return null;
}

const doubts: readonly Misspelling[] = [
  {
    found: /\/\$([A-Za-z_]\w*)(?=\/|$)/,
    say: ([, name]) => `takes "$${name}" literally; a parameter is written ":${name}"`,
  },
  {
    found: /\/(\$[^/]+)/,
    say: ([, segment]) => `takes "${segment}" literally; a parameter is written ":name"`,
  },
  // A verb after a name, as in /items:batchGet, is the one use of a colon that is common.
  {
    found: /\/([^/:]*(?:[^/:A-Za-z0-9]:|:(?=[^/]*\/)|:[^/]*:))[^/]*/,
    say: ([segment = '']) =>
      `takes "${segment.slice(1)}" literally; a parameter is a whole segment that begins with ":"`,
  },
  { found: /\/\+(?=\/|$)/, say: () => 'takes "+" literally; a parameter of one segment is written ":name"' },
  { found: /,\//, say: () => 'takes "," literally; one rule has one path' },
];

/** Says what a path takes literally although it looks like something else. Null: nothing. */
export function describeDoubt(path: string): string | null {
  if (plain.test(path)) return null;
  for (const { found, say } of doubts) {
    const match = found.exec(path);
    if (match !== null) return say(match);
  }
  return null;
}

/** Control characters of a config could drive the terminal of whoever checks it. */
function printable(text: string): string {
  return text.replace(
    /[\0-\x1f\x7f-\x9f]/g,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}

function sayTemplate(all = '', name = nameIn(all)): string {
  return name === null
    ? `holds the template "${all}"; ${rest}`
    : `holds the template "${all}"; a parameter is a whole segment and is written ":${name}"`;
}

/** Converters of Flask and Django, which stand before the name: `<int:id>`. */
const converters = /^(?:int|float|string|str|uuid|slug|any|default|path)$/;

/** The name in a template; null where it takes the rest of a path. */
function nameIn(template: string): string | null {
  const inner = template.replace(/^[$#@]?[{<[\s]+|[}>\]\s]+$/g, '');
  if (/^\*|\.{3}|^path:|:path$|\*$|:\.[*+]/.test(inner)) return null;
  const [first = '', second] = inner.split(':');
  const chosen = second !== undefined && converters.test(first) ? second : first;
  return /[A-Za-z_]\w*/.exec(chosen.replaceAll('-', '_'))?.[0] ?? 'name';
}

function sayParameter(segment = ''): string {
  const [whole] = /^[A-Za-z_][\w-]*$/.exec(segment.slice(1)) ?? [];
  if (whole !== undefined) {
    return `names a parameter "${segment}"; a name has letters, digits and "_": write ":${whole.replaceAll('-', '_')}"`;
  }
  const [name = 'name'] = /[A-Za-z_]\w*/.exec(segment) ?? [];
  return `holds "${segment}"; ":" and a name of letters, digits and "_" are a whole segment: write ":${name}"`;
}

function meant(character = ''): string {
  return `where "${character}" is meant, write "${encode(character)}"`;
}

function show(character = ''): string {
  return /[\p{P}\p{S}]/u.test(character)
    ? `"${character}"`
    : `U+${character.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')}`;
}

/** Percent-encoded as UTF-8. */
function encode(character = ''): string {
  return [...Buffer.from(character)]
    .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
    .join('');
}
