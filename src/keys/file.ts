import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { codeOf, FetchError } from './error.ts';

/** Bytes. No key set, token or list of authorities is larger. */
const largest = 4 * 1024 * 1024;

/**
 * Reads a file that the option names, through symbolic links, as Kubernetes mounts files. A FIFO or a device is refused
 * without waiting for it. Rejects with a {@link FetchError} `file_unreadable`, or `too_large` beyond `maxSize` bytes.
 */
export async function readText(path: string, option: string, maxSize = largest): Promise<string> {
  let file: FileHandle | undefined;
  try {
    // Opening a FIFO would otherwise wait for someone to write to it.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const status = await file.stat();
    if (!status.isFile() && !status.isDirectory())
      throw new FetchError('file_unreadable', `${option} is not a regular file`);
    return await readBounded(file, option, maxSize);
  } catch (error) {
    if (error instanceof FetchError) throw error;
    throw new FetchError('file_unreadable', `${option} cannot be read (${codeOf(error)})`);
  } finally {
    await file?.close();
  }
}

/** Reads an open file to its end, whatever size its status says. Rejects with a {@link FetchError} `too_large`. */
export async function readBounded(file: FileHandle, option: string, maxSize: number): Promise<string> {
  const buffer = Buffer.alloc(Math.min(maxSize, (await file.stat()).size) + 1);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, null);
    if (bytesRead === 0) return new TextDecoder().decode(Buffer.concat(chunks));
    size += bytesRead;
    if (size > maxSize) throw new FetchError('too_large', `${option} holds more than ${maxSize} bytes`);
    chunks.push(Buffer.from(buffer.subarray(0, bytesRead)));
  }
}
