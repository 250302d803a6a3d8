import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

/** Bytes. What a config names in files is far smaller: keys, certificates, tokens. */
const largest = 4 * 1024 * 1024;

/** Why a path is not read, with a code as errors of the system have one. */
class NotReadError extends Error {
  override readonly name = 'NotReadError';
  readonly code: 'NOT_A_REGULAR_FILE' | 'TOO_LARGE';

  constructor(code: NotReadError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Reads a whole file, through symbolic links, as Kubernetes mounts files. A FIFO or a device, which could keep the
 * process waiting or feed it for ever, is refused at once.
 *
 * @throws an error with a `code`: that of the system, `NOT_A_REGULAR_FILE`, or `TOO_LARGE` beyond 4 MiB
 */
export function readRegularFile(path: string): Buffer {
  // Opening a FIFO would otherwise wait for someone to write to it.
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const status = fstatSync(file);
    if (!status.isFile() && !status.isDirectory())
      throw new NotReadError('NOT_A_REGULAR_FILE', `${path} is not a regular file`);
    return readWhole(file, path, status.size);
  } finally {
    closeSync(file);
  }
}

function readWhole(file: number, path: string, expected: number): Buffer {
  const chunks: Uint8Array[] = [];
  const buffer = Buffer.alloc(Math.min(expected, largest) + 1);
  for (let size = 0; size <= largest; ) {
    const count = readSync(file, buffer, 0, buffer.length, null);
    if (count === 0) return Buffer.concat(chunks);
    chunks.push(Buffer.from(buffer.subarray(0, count)));
    size += count;
  }
  throw new NotReadError('TOO_LARGE', `${path} holds more than ${largest} bytes`);
}
