import { readFileSync, statSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist: a part of its path is not a directory',
  EACCES: 'may not be read by this user: permission denied',
  EPERM: 'may not be read by this user: permission denied',
  EISDIR: 'is a directory',
  ELOOP: 'is a link that leads to itself',
  ENAMETOOLONG: 'has a name that is too long',
  ERR_INVALID_ARG_VALUE: 'has a name that no file can have',
};

/** The code of the system's error for a file that cannot be read. */
export function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'error';
}

/**
 * Why a file cannot be read, in words that name it: `/run/secrets/x does not exist`. What hardly is a name is not
 * repeated: a token or a key that stands in the place of its file's name is a secret.
 */
export function explainUnreadable(file: string, error: unknown, cwd = process.cwd()): string {
  const reason = Object.hasOwn(reasons, codeOf(error)) ? reasons[codeOf(error)] : 'cannot be read';
  if (/^-----BEGIN|\n/.test(file)) return 'this is the text of a file; write its name';
  const named = /^\.{0,2}\/\S*$|^(?!eyJ)[\w-]+(\/[\w.-]+)*\.\w{1,10}$/.test(file) && file.length <= 255;
  // A relative name says little where the program was started somewhere else than one thinks.
  if (!named) return `the file that is named ${reason}; relative names are looked for in ${cwd}`;
  return `${isAbsolute(file) ? file : resolve(cwd, file)} ${reason}`;
}

export interface ConfigText {
  readonly text: string;
  /** Why there is no text; null where there is. */
  readonly fault: { readonly message: string; readonly hint?: string } | null;
}

/** Bytes; also the most that a ConfigMap holds. */
const largest = 1024 * 1024;

/** Reads the file of a config, which is UTF-8. */
export function readConfigText(file: string): ConfigText {
  try {
    if (statSync(file).size > largest) return refuse('is larger than 1 MiB');
    return decode(readFileSync(file));
  } catch (error) {
    return refuse(`cannot be read (${codeOf(error)})`, explainUnreadable(file, error));
  }
}

function decode(bytes: Buffer): ConfigText {
  const [first, second] = bytes;
  const marked = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  if (marked || (bytes.length > 1 && (first === 0) !== (second === 0))) {
    return refuse('is UTF-16', 'save it as UTF-8');
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return refuse('is not UTF-8', 'save it as UTF-8');
  }
  if (text.includes('\0')) return refuse('holds a NUL character', 'is it a text file?');
  if (text.includes('\r') && !text.includes('\n')) {
    return refuse(
      'has lines that end in a carriage return alone',
      'save it with line ends of Unix or Windows',
    );
  }
  return { text, fault: null };
}

function refuse(message: string, hint?: string): ConfigText {
  return { text: '', fault: { message, ...(hint !== undefined && { hint }) } };
}
