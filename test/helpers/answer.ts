/** What a server answered, as the clients of the tests hand it over. */
export interface Answer {
  readonly status: number;
  /** Names and values in turn, in the order and case of the wire. */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  /** The body as UTF-8. */
  readonly text: string;
  /** The one value of a header, in any case; undefined where there is none. Throws where there are two. */
  header(name: string): string | undefined;
  /** The values of a header, in any case. */
  all(name: string): string[];
  /** The body parsed. Throws where it is not JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: a test asserts on what it finds.
  json(): any;
}

export function makeAnswer(status: number, rawHeaders: readonly string[], body: Buffer): Answer {
  const all = (name: string) =>
    rawHeaders.filter(
      (_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name.toLowerCase(),
    );
  const header = (name: string) => {
    const values = all(name);
    if (values.length > 1) throw new Error(`The answer has ${values.length} headers ${name}`);
    return values[0];
  };
  const text = body.toString();
  return { status, rawHeaders, body, text, header, all, json: () => JSON.parse(text) };
}
