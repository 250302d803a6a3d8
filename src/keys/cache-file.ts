import { randomUUID } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { codeOf, FetchError } from './error.ts';
import { readBounded } from './file.ts';
import { isObject, parseJson } from './json.ts';

/** The last good key set, as it outlives the process. */
export interface Kept {
  readonly document: unknown;
  /** When it was fetched, in epoch milliseconds. */
  readonly date: number;
}

/** One issuer's file. */
export interface CacheFile {
  /** Undefined where there is none yet. Rejects with a {@link FetchError} where it cannot be believed. */
  read(): Promise<Kept | undefined>;
  /** Replaces it as a whole: a process that is killed meanwhile leaves the one before. Rejects with a {@link FetchError}. */
  write(kept: Kept): Promise<void>;
}

export interface CacheFileOptions {
  readonly path: string;
  /** The issuer whose keys these are; a file of another is not believed. */
  readonly issuer: string;
  /** Where they are fetched from; keys of a place that the config has left are not believed. */
  readonly source: string;
  /** Bytes; a larger file is not read. */
  readonly maxSize: number;
}

/** What surrounds the key set in the file. */
const envelopeSize = 4096;

export function createCacheFile({ path, issuer, source, maxSize }: CacheFileOptions): CacheFile {
  return {
    async read() {
      const text = await readOwn(path, maxSize + envelopeSize);
      if (text === undefined) return undefined;
      const content = parseJson(text, 'cacheFile');
      const date =
        isObject(content) && typeof content.fetchedAt === 'string' ? Date.parse(content.fetchedAt) : NaN;
      if (!isObject(content) || Number.isNaN(date))
        throw new FetchError('cache_invalid', 'cacheFile is damaged');
      if (content.issuer !== issuer) throw new FetchError('cache_invalid', 'cacheFile is of another issuer');
      if (content.source !== source) throw new FetchError('cache_invalid', 'cacheFile is of another source');
      return { document: content.jwks, date };
    },
    async write({ document, date }) {
      const text = JSON.stringify({
        issuer,
        source,
        fetchedAt: new Date(date).toISOString(),
        jwks: document,
      });
      const next = `${path}.${randomUUID()}`;
      try {
        await writeWhole(next, text);
        await rename(next, path);
      } catch (error) {
        await rm(next, { force: true }).catch(() => {});
        throw new FetchError('file_unwritable', `cacheFile cannot be written (${codeOf(error)})`);
      }
    },
  };
}

/**
 * Reads the file if nobody but us and root can have written it, since its keys are believed. All is asked of the file
 * that was opened, so that it cannot be swapped between the look and the reading. A FIFO or a device keeps nobody waiting.
 */
async function readOwn(path: string, maxSize: number): Promise<string | undefined> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const doubt = findDoubt(await file.stat());
    if (doubt !== undefined) throw new FetchError('cache_invalid', `cacheFile is not used: ${doubt}`);
    return await readBounded(file, 'cacheFile', maxSize);
  } catch (error) {
    if (error instanceof FetchError) throw error;
    const code = codeOf(error);
    if (code === 'ENOENT') return undefined;
    if (code === 'ELOOP')
      throw new FetchError(
        'cache_invalid',
        'cacheFile is not used: it is a symbolic link; name the file itself',
      );
    // Nothing listens behind a socket, and no driver behind a device.
    if (code === 'ENXIO') throw new FetchError('cache_invalid', `cacheFile is not used: ${irregular}`);
    throw new FetchError('file_unreadable', `cacheFile cannot be read (${code})`);
  } finally {
    await file?.close();
  }
}

const irregular = 'it is not a regular file';

/** Why keys of an open file cannot be believed. */
function findDoubt(status: Stats): string | undefined {
  if (!status.isFile()) return irregular;
  const user = process.geteuid?.();
  // Without users (Windows) there is nobody to tell apart.
  if (user === undefined) return undefined;
  if (status.uid !== user && status.uid !== 0) return 'it belongs to another user';
  return (status.mode & 0o022) === 0 ? undefined : 'its group or others may write it (chmod go-w)';
}

async function writeWhole(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}
