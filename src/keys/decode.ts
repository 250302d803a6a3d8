import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import { codeOf, FetchError } from './error.ts';

type Decoder = (bytes: Uint8Array, options: { maxOutputLength: number }) => Promise<Uint8Array>;

const inflate = promisify<Uint8Array, zlib.ZlibOptions, Uint8Array>(zlib.inflate);
const inflateRaw = promisify<Uint8Array, zlib.ZlibOptions, Uint8Array>(zlib.inflateRaw);
const gunzip = promisify<Uint8Array, zlib.ZlibOptions, Uint8Array>(zlib.gunzip);

/** Node 22 has it since 22.15. */
const unzstd =
  zlib.zstdDecompress && promisify<Uint8Array, zlib.ZstdOptions, Uint8Array>(zlib.zstdDecompress);
/** 8 MiB, the most that RFC 9659 lets a body ask for: the memory is taken before a byte comes out. */
const zstdWindow = { [zlib.constants.ZSTD_d_windowLogMax]: 23 };

/** The content codings of RFC 9110 section 8.4.1, RFC 7932 and RFC 8878. */
const decoders: ReadonlyMap<string, Decoder> = new Map<string, Decoder>([
  ['gzip', gunzip],
  ['x-gzip', gunzip],
  ['deflate', (bytes, options) => (hasZlibHeader(bytes) ? inflate : inflateRaw)(bytes, options)],
  ['br', promisify<Uint8Array, zlib.BrotliOptions, Uint8Array>(zlib.brotliDecompress)],
  ...(unzstd === undefined
    ? []
    : [
        [
          'zstd',
          (bytes: Uint8Array, options: object) => unzstd(bytes, { ...options, params: zstdWindow }),
        ] as const,
      ]),
]);

/** A document needs one; a chain of them is only good for growing a little input again and again. */
const mostCodings = 3;

/**
 * Takes off the content codings of a body, RFC 9110 section 8.4: some caches compress although nobody asked.
 * Rejects with a {@link FetchError} `too_large` as soon as more than `maxSize` bytes come out, and `content_coding`
 * where a coding is unknown or the body does not have it.
 *
 * @param header - the Content-Encoding of the answer
 * @param name - says in the error whose body it was
 */
export async function decodeBody(
  body: Uint8Array,
  header: string | readonly string[] | undefined,
  { maxSize, name }: { readonly maxSize: number; readonly name: string },
): Promise<Uint8Array> {
  const codings = listCodings(header);
  if (codings.length > mostCodings)
    throw new FetchError('content_coding', `${name} is encoded ${codings.length} times over`);
  let decoded = body;
  for (const coding of codings.reverse()) {
    const decode = decoders.get(coding);
    if (decode === undefined)
      throw new FetchError('content_coding', `${name} has the unknown Content-Encoding ${show(coding)}`);
    try {
      decoded = await decode(decoded, { maxOutputLength: maxSize });
    } catch (error) {
      throw codeOf(error) === 'ERR_BUFFER_TOO_LARGE'
        ? new FetchError('too_large', `${name} holds more than ${maxSize} bytes once it is decoded`)
        : new FetchError('content_coding', `${name} says Content-Encoding: ${coding}, and is not ${coding}`);
    }
  }
  return decoded;
}

/** In the order in which they were applied. */
function listCodings(header: string | readonly string[] | undefined): string[] {
  return [header ?? []]
    .flat()
    .flatMap((line) => line.split(','))
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => coding !== '' && coding !== 'identity');
}

/** RFC 1950 section 2.2. Some servers send the bare stream of RFC 1951 under the name deflate. */
function hasZlibHeader([first = 0, second = 0]: Uint8Array): boolean {
  return (first & 0x0f) === 8 && ((first << 8) | second) % 31 === 0;
}

function show(coding: string): string {
  return coding.replace(/[^\w.-]/g, '?').slice(0, 40);
}
