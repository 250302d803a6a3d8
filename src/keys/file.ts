import { readFile } from 'node:fs/promises';
import { codeOf, FetchError } from './error.ts';

/** Reads a file that the option names. Rejects with a {@link FetchError} `file_unreadable`. */
export async function readText(path: string, option: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new FetchError('file_unreadable', `${option} cannot be read (${codeOf(error)})`);
  }
}
