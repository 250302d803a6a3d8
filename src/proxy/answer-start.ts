import type { Socket } from 'node:net';

/** What is known of the bytes on one upstream connection, to repair what undici makes of them. */
export interface AnswerStart {
  /** A request is sent: the next bytes begin an answer. */
  expect(): void;
}

/**
 * Repairs two readings of undici's on a connection that it is about to use.
 *
 * An upstream may send `100 Continue` although nobody asked for it (RFC 9110 section 15.2), and some do after a POST
 * without `Expect`; undici ends the connection then. It passes over every other interim answer, so that it is shown
 * `102` in place of `100`.
 *
 * An answer that only the end of the connection ends is cut short where that end is a reset; undici takes it for whole.
 * Under another code it takes the reset for the failure that it is.
 */
export function watchAnswerStart(socket: Socket): AnswerStart {
  const heads = new Heads();
  socket.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'ECONNRESET') error.code = resetCode;
  });
  const read = socket.read.bind(socket);
  socket.read = (size?: number): unknown => {
    const chunk = read(size) as Buffer | null;
    if (chunk !== null) heads.pass(chunk);
    return chunk;
  };
  return { expect: () => heads.expect() };
}

/** The code of a connection that was reset, in place of ECONNRESET. */
export const resetCode = 'UPSTREAM_RESET';

const version = 'HTTP/1.';
const blankLine = '\r\n\r\n';

/** Reads the heads with which an answer begins, byte by byte, for as long as they are interim ones. */
class Heads {
  /** Where in a status line the next byte stands; -1: in the fields of an interim answer, -2: nothing is looked for. */
  #at = -2;
  /** How much of a blank line the last bytes were. */
  #ended = 0;
  #maybe100 = false;

  expect(): void {
    this.#at = 0;
  }

  /** Turns `100` into `102`. */
  pass(bytes: Buffer): void {
    for (let i = 0; i < bytes.length && this.#at !== -2; i++) {
      const character = String.fromCharCode(bytes[i] as number);
      if (this.#at === -1) this.#readField(character);
      else if (this.#at < 11) this.#at = this.#fits(character) ? this.#at + 1 : -2;
      else {
        if (this.#maybe100 && character === '0') bytes.write('2', i, 'latin1');
        this.#at = -1;
        this.#ended = 0;
      }
    }
  }

  /** `HTTP/1.1 1` and another digit. */
  #fits(character: string): boolean {
    const at = this.#at;
    if (at < version.length) return character === version[at];
    if (at === 8) return character === ' ';
    if (at === 9) return character === '1';
    this.#maybe100 = character === '0';
    return character >= '0' && character <= '9';
  }

  #readField(character: string): void {
    if (character === blankLine[this.#ended]) this.#ended++;
    else this.#ended = character === '\r' ? 1 : 0;
    if (this.#ended === blankLine.length) this.#at = 0;
  }
}
