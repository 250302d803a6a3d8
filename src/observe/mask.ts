const unprintable = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufeff\u202a-\u202e\u2066-\u2069]/g;

/** Text of a stranger as a log line may hold it: control characters visible, at most `limit` characters. */
export function printable(text: string, limit: number): string {
  const cut = text.length > limit ? text.slice(0, limit) : text;
  return cut.replace(unprintable, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

const longestKid = 64;

/** A token's key id as anybody may see it: it says what the client wants, and may hold a token itself. */
export function showKid(kid: string): string {
  return maskTokens(printable(kid, longestKid));
}

/** No header of a JWT is shorter, whatever it is joined with to the rest. With `%`, since letters may be encoded. */
const longRun = /[\w.%-]{16,}/;
/** Letters of base64 in either alphabet. */
const runs = /[\w+-]+/g;
/** How base64 begins, at the letter where it begins, if the first bytes are `{`, a blank before it or a blank after it. */
const beginning = /e[yw]|I[HCA]|C[XnSQig]|D[XSQ]/;
const beginnings = new RegExp(beginning, 'g');
/** RFC 8259 section 2: an object with a member, blanks allowed; or nothing but blanks so far, which is odd enough. */
const beginsObject = /^[ \t\r\n]*\{[ \t\r\n]*"|^[ \t\r\n]{12}/;
/** Letters that are decoded to look for that. */
const looked = 32;

/** What stands between two parts of a token: a dot in the right spelling, but it may be anything short. */
const longestJoint = 8;
/** Shorter ones behind a token are taken for names. */
const shortestPart = 10;
const masked = '[masked]';

/**
 * Masks whatever looks like a JWT, whole or cut and whatever joins its parts: base64 of a JSON object, and the long
 * runs right behind it. Linear in the text.
 */
export function maskTokens(text: string): string {
  if (text.length < 16 || !longRun.test(text)) return text;
  const plain = text.includes('%') ? decodeLetters(text) : text;
  if (!beginning.test(plain)) return text;
  const found = maskRuns(plain);
  return found === plain ? text : found;
}

/**
 * Masks a path: besides what `maskTokens` masks, three parts joined by dots of which two are long, such as an opaque
 * token in the form of a JWT.
 */
export function maskPath(path: string): string {
  if (path.length < 16 || !longRun.test(path)) return path;
  const bare = maskTokens(path);
  return dot.test(bare) ? bare.replace(dottedRun, (run) => (isDotted(run) ? masked : run)) : bare;
}

const dottedRun = /[\w.%-]{16,}/g;
const dot = /\.|%(?:25)*2e/i;

function isDotted(run: string): boolean {
  const parts = run.split(dot);
  return parts.length >= 3 && parts.filter((part) => part.length >= shortestPart).length >= 2;
}

function maskRuns(text: string): string {
  let said = '';
  let end = 0;
  /** Where the token at hand ends; -1 before the first one. */
  let tokenEnd = -1;
  for (const { 0: run, index } of text.matchAll(runs)) {
    if (!holdsObject(run) && !isRest(text.slice(Math.max(tokenEnd, 0), index), run, tokenEnd)) continue;
    if (tokenEnd < 0 || index - tokenEnd > longestJoint || text.slice(tokenEnd, index).includes('/')) {
      said += `${text.slice(end, index)}${masked}`;
    }
    end = index + run.length;
    tokenEnd = end;
  }
  return said + text.slice(end);
}

/** Whether somewhere in a run of base64 a JSON object begins. */
function holdsObject(run: string): boolean {
  for (const { index } of run.matchAll(beginnings)) {
    if (beginsObject.test(Buffer.from(run.slice(index, index + looked), 'base64').toString('latin1')))
      return true;
  }
  return false;
}

/** Whether a run is a further part of the token before it. */
function isRest(joint: string, run: string, tokenEnd: number): boolean {
  if (tokenEnd < 0 || joint.length > longestJoint || run.length < shortestPart) return false;
  // The next segment of a path is a part of a token only if it looks like one.
  return (
    !joint.includes('/') || (run.length >= 20 && /\d/.test(run) && /[a-z]/.test(run) && /[A-Z]/.test(run))
  );
}

/** Without the escapes of letters and digits, which nobody needs, however often they were encoded. */
function decodeLetters(text: string): string {
  let decoded = text;
  for (let round = 0; round < 3; round++) {
    decoded = decoded.replace(/%(?:2[5de]|[3-7][0-9a-f])/gi, (code) => {
      const letter = String.fromCharCode(Number.parseInt(code.slice(1), 16));
      return /[\w.%-]/.test(letter) ? letter : code;
    });
  }
  return decoded;
}
