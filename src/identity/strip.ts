import { normalizeName } from './names.ts';

export interface StripOptions {
  /** Identity headers: name to claim path. */
  readonly headers: Readonly<Record<string, string>>;
  readonly payloadHeader: string | null;
  readonly stripPrefixes: readonly string[];
  readonly stripHeaders: readonly string[];
  /** Names of the headers that any upstream is sent from the config. */
  readonly setHeaders: readonly string[];
}

/** Headers by which some upstreams choose another path, method, host or user than the rules decided about. */
const neverPass = [
  'X-Original-URL',
  'X-Original-URI',
  'X-Rewrite-URL',
  'X-HTTP-Method',
  'X-HTTP-Method-Override',
  'X-Method-Override',
  'Proxy',
  'Remote-User',
  'X-Remote-User',
];

const maxNames = 1000;
const maxNameLength = 64;

/**
 * Compiles the check whether a client's header must not reach an upstream, because the gateway speaks under that name
 * or the config forbids it, in whatever spelling an upstream might take for the same.
 */
export function compileStrip(options: StripOptions): (name: string) => boolean {
  const { headers, payloadHeader, stripHeaders, setHeaders } = options;
  const names = [...Object.keys(headers), ...(payloadHeader === null ? [] : [payloadHeader])];
  const forbidden = new Set([...names, ...neverPass, ...stripHeaders, ...setHeaders].map(normalizeName));
  const prefixes = options.stripPrefixes.map(normalizeName);
  const judge = (name: string): boolean => {
    const normalized = normalizeName(name);
    return forbidden.has(normalized) || prefixes.some((prefix) => normalized.startsWith(prefix));
  };

  // Real traffic repeats few names. A client that invents names fills this once, and costs only time after.
  const verdicts = new Map<string, boolean>();
  return (name) => {
    const known = verdicts.get(name);
    if (known !== undefined) return known;
    const verdict = judge(name);
    if (verdicts.size < maxNames && name.length <= maxNameLength) verdicts.set(name, verdict);
    return verdict;
  };
}
