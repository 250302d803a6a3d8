import { type Answer, makeAnswer } from './answer.ts';

/** One message off the wire. */
export interface RawResponse extends Answer {
  readonly httpVersion: string;
  readonly phrase: string;
  /** What says where the body ends; `none` where there can be no body. */
  readonly framing: 'none' | 'length' | 'chunked' | 'close';
  /** Names and values in turn. */
  readonly trailers: readonly string[];
  /** False where the connection ended first. */
  readonly complete: boolean;
}

export interface Parsed {
  readonly response: RawResponse;
  /** How many bytes it took. */
  readonly length: number;
}

/** How a connection ended: in order, by a reset, or by our own doing. */
export type Ending = 'end' | 'reset' | 'destroyed';

export interface ParseOptions {
  /** Whether it answers a HEAD, and so has no body. Default false. */
  readonly head?: boolean;
  /** Why no more bytes will come, where that is so. */
  readonly ending?: Ending | undefined;
}

interface Content {
  readonly body: Buffer;
  readonly end: number;
  readonly complete: boolean;
  readonly trailers?: readonly string[];
}

/**
 * Reads the first response out of some bytes (RFC 9112), an interim one too; undefined where more must come.
 * Stricter than a browser, so that what a lenient client would mend is seen. Throws where it is not well formed.
 */
export function parseResponse(
  bytes: Buffer,
  { head = false, ending }: ParseOptions = {},
): Parsed | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const [statusLine = '', ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n');
  const match = /^HTTP\/(\d\.\d) (\d{3}) ([^\r\n]*)$/.exec(statusLine);
  if (match === null) throw new Error(`Not a status line: ${JSON.stringify(statusLine)}`);
  const [, httpVersion = '', code, phrase = ''] = match;
  const rawHeaders = lines.flatMap(parseField);
  const bare = makeAnswer(Number(code), rawHeaders, Buffer.alloc(0));
  const framing = framingOf(bare, head);
  const content = readContent(bytes, headEnd + 4, framing, Number(bare.header('content-length')));
  if (!content.complete && ending === undefined) return undefined;

  const complete = content.complete || (framing === 'close' && ending === 'end');
  const answer = makeAnswer(bare.status, rawHeaders, content.body);
  const response = { ...answer, httpVersion, phrase, framing, trailers: content.trailers ?? [], complete };
  return { response, length: content.end };
}

function parseField(line: string): string[] {
  const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/.exec(line);
  if (match === null) throw new Error(`Not a field line: ${JSON.stringify(line)}`);
  return match.slice(1);
}

/** RFC 9112 section 6.3. */
function framingOf(answer: Answer, head: boolean): RawResponse['framing'] {
  const { status } = answer;
  const encoding = answer.header('transfer-encoding');
  const length = answer.header('content-length');
  if (encoding !== undefined && length !== undefined) throw new Error('Two framings in one response');
  if (encoding !== undefined && encoding.toLowerCase() !== 'chunked') throw new Error(`Framing ${encoding}`);
  if (length !== undefined && !/^\d+$/.test(length)) throw new Error(`Content-Length ${length}`);
  if (head || status < 200 || status === 204 || status === 304) return 'none';
  if (encoding !== undefined) return 'chunked';
  return length === undefined ? 'close' : 'length';
}

function readContent(bytes: Buffer, start: number, framing: RawResponse['framing'], length: number): Content {
  if (framing === 'chunked') return readChunks(bytes, start);
  const wanted = { none: 0, length, close: Number.POSITIVE_INFINITY }[framing];
  const end = Math.min(start + wanted, bytes.length);
  return { body: bytes.subarray(start, end), end, complete: end === start + wanted };
}

/** RFC 9112 section 7.1. */
function readChunks(bytes: Buffer, start: number): Content {
  const chunks: Buffer[] = [];
  let position = start;
  const partial = () => ({ body: Buffer.concat(chunks), end: bytes.length, complete: false });
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', position);
    if (lineEnd < 0) return partial();
    const size = bytes.toString('latin1', position, lineEnd);
    if (!/^[0-9a-fA-F]+$/.test(size)) throw new Error(`Not a chunk size: ${JSON.stringify(size)}`);
    position = lineEnd + 2;
    const chunkEnd = position + Number.parseInt(size, 16);
    if (chunkEnd === position) break;
    chunks.push(bytes.subarray(position, chunkEnd));
    if (bytes.length < chunkEnd + 2) return partial();
    if (bytes.toString('latin1', chunkEnd, chunkEnd + 2) !== '\r\n')
      throw new Error('A chunk of another size');
    position = chunkEnd + 2;
  }
  // The empty line comes at once where there are no trailers.
  const end = bytes.indexOf('\r\n\r\n', position - 2);
  if (end < 0) return partial();
  const trailers = bytes.toString('latin1', position, Math.max(position, end));
  const fields = trailers === '' ? [] : trailers.split('\r\n').flatMap(parseField);
  return { body: Buffer.concat(chunks), end: end + 4, complete: true, trailers: fields };
}
