/** More rounds than any path can need that canonical.ts lets through: each level of escapes is nine times as long. */
const mostRounds = 8;

/** ASCII without escapes: nothing else can be read into it. */
const plainText = /^[\0-$&-\x7f]*$/;
const ignorable = /\p{Default_Ignorable_Code_Point}/gu;
/** Unicode's stream-safe text has no more marks on one letter (UAX 15), and normalizing takes time quadratic in them. */
const endlessMarks = /(\p{Mark}{30})\p{Mark}+/gu;
const escapes = /(?:%[0-9a-f]{2})+/gi;
const asciiEscape = /%([0-7][0-9a-f])/gi;
const lookAlikes = /[\u3002\u2215\u2216\u29f5\u29f8\u29f9]/g;

/**
 * A decoded path or segment as the most lenient server reads it: `makePlain`, and escapes that are left are decoded
 * once more. For comparison alone: nobody forwards it.
 */
export function unveil(text: string): string {
  let seen = text;
  for (let round = 0; round < mostRounds && !isPlain(seen); round++) {
    const next = makePlain(seen).replace(escapes, decodeAgain);
    if (next === seen) return next;
    seen = next;
  }
  return seen;
}

/** Whether a text has more marks on one letter than any honest one: then nothing can be said of it in good time. */
export function isEndless(text: string): boolean {
  return text.search(endlessMarks) >= 0;
}

/** Whether a text is what any server reads into it. */
export function isPlain(text: string): boolean {
  return plainText.test(text);
}

/**
 * Compatibility characters are the plain ones (NFKC: full-width letters, ligatures, an ellipsis of one character),
 * characters that Unicode calls ignorable are gone, the ideographic full stop is a dot (as in host names, UTS 46), and
 * the slashes of mathematics are slashes (as in the best-fit tables of Windows).
 */
export function makePlain(text: string): string {
  return text
    .replace(ignorable, '')
    .replace(endlessMarks, '$1')
    .normalize('NFKC')
    .replace(lookAlikes, toAscii);
}

function toAscii(character: string): string {
  if (character === '\u3002') return '.';
  return character === '\u2215' || character === '\u29f8' ? '/' : '\\';
}

/** Bytes that are no UTF-8 stay escapes; those of ASCII are decoded wherever they stand. */
function decodeAgain(run: string): string {
  try {
    return decodeURIComponent(run);
  } catch {
    return run.replace(asciiEscape, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
  }
}
