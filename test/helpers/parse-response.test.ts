import t from 'tap';
import { type ParseOptions, parseResponse } from './parse-response.ts';

interface Case {
  readonly name: string;
  readonly bytes: string;
  readonly options?: ParseOptions;
  /** Undefined where more must come. */
  readonly expected?: object;
  /** What is left for the next response. Default nothing. */
  readonly rest?: string;
}

const cases: Case[] = [
  { name: 'part of a head', bytes: 'HTTP/1.1 200 OK\r\nA: b\r\n' },
  {
    name: 'a length',
    bytes: 'HTTP/1.1 200 OK\r\nA: b\r\na:  c \r\nContent-Length: 2\r\n\r\nhiHTTP',
    expected: {
      status: 200,
      phrase: 'OK',
      httpVersion: '1.1',
      rawHeaders: ['A', 'b', 'a', 'c', 'Content-Length', '2'],
      framing: 'length',
      text: 'hi',
      complete: true,
    },
    rest: 'HTTP',
  },
  { name: 'part of a length', bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi' },
  {
    name: 'a length cut short',
    bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi',
    options: { ending: 'end' },
    expected: { text: 'hi', complete: false },
  },
  {
    name: 'no phrase, no body',
    bytes: 'HTTP/1.1 204 \r\n\r\nnext',
    expected: { status: 204, phrase: '', framing: 'none', text: '', complete: true },
    rest: 'next',
  },
  {
    name: 'an interim response',
    bytes: 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200',
    expected: { status: 100, framing: 'none', complete: true },
    rest: 'HTTP/1.1 200',
  },
  {
    name: 'an answer to HEAD',
    bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n',
    options: { head: true },
    expected: { framing: 'none', text: '', complete: true },
  },
  {
    name: 'chunks',
    bytes:
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0A\r\n0123456789\r\n0\r\n\r\nnext',
    expected: { framing: 'chunked', text: 'ab0123456789', trailers: [], complete: true },
    rest: 'next',
  },
  {
    name: 'chunks with trailers',
    bytes: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: y\r\nZ: \r\n\r\nnext',
    expected: { text: 'a', trailers: ['X', 'y', 'Z', ''], complete: true },
    rest: 'next',
  },
  {
    name: 'chunks cut short',
    bytes: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc',
    options: { ending: 'reset' },
    expected: { text: 'abc', complete: false },
  },
  {
    name: 'chunks without the last one',
    bytes: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n',
    options: { ending: 'end' },
    expected: { text: 'a', complete: false },
  },
  {
    name: 'chunks without the last line',
    bytes: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n',
    options: { ending: 'end' },
    expected: { text: 'a', complete: false },
  },
  { name: 'part of what only the end of the connection ends', bytes: 'HTTP/1.1 200 OK\r\n\r\nhi' },
  {
    name: 'the end of the connection',
    bytes: 'HTTP/1.0 200 OK\r\n\r\nhi',
    options: { ending: 'end' },
    expected: { httpVersion: '1.0', framing: 'close', text: 'hi', complete: true },
  },
  {
    name: 'a reset of the connection',
    bytes: 'HTTP/1.1 200 OK\r\n\r\nhi',
    options: { ending: 'reset' },
    expected: { framing: 'close', text: 'hi', complete: false },
  },
];

for (const { name, bytes, options, expected, rest = '' } of cases) {
  t.test(name, async (t) => {
    const parsed = parseResponse(Buffer.from(bytes, 'latin1'), options);
    if (expected === undefined) return t.equal(parsed, undefined);
    t.match(parsed?.response, expected);
    t.equal(bytes.slice(parsed?.length), rest);
  });
}

const malformed = {
  'a status line': 'HTTP/1.1 OK\r\n\r\n',
  'no protocol': 'SSH-2.0\r\n\r\n',
  'a field without a name': 'HTTP/1.1 200 OK\r\n: x\r\n\r\n',
  'a space before the colon': 'HTTP/1.1 200 OK\r\nA : x\r\n\r\n',
  'a folded line': 'HTTP/1.1 200 OK\r\nA: x\r\n y\r\n\r\n',
  'two framings': 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'two lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n',
  'a signed length': 'HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\na',
  'a chunk size': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x\r\na\r\n0\r\n\r\n',
  'a longer chunk': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n',
};

for (const [name, bytes] of Object.entries(malformed)) {
  t.test(`malformed: ${name}`, async (t) => {
    t.throws(() => parseResponse(Buffer.from(bytes, 'latin1')));
  });
}
