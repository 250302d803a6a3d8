import fc from 'fast-check';
import t, { type Test } from 'tap';
import { isRefusal } from '../../src/errors.ts';
import { compileCanonical, type PathOptions, type Target } from '../../src/path/canonical.ts';
import { lax, models } from './models.ts';

// What parsers disagree about, and enough of the ordinary that many targets are accepted.
const ordinary = [
  '/',
  '/',
  '/',
  'a',
  'b',
  'Z',
  '0',
  '-',
  '~',
  ':',
  '@',
  '=',
  'index',
  '.html',
  '%7e',
  '%c3%a9',
];
const hostile = [
  ...['.', '..', '%2e', '%2E', '/./', '/../', '//', '%2f', '%2F', '%5c', '\\', ';', ';x=1', '%3b', '%3B'],
  ...['%', '%25', '25', '2e', '2f', '%32', '%65', '%41', '%00', '%0a', '%7f', '%c0%ae', '%c0', '%ae'],
  ...['%2b', '+', '%3A', '%26', '%ef%bc%8e', '%ef%bc%8f', '%e2%80%a5', '%c2%a0', '%e2%80%8b'],
  ...['%u002e', '%23', '%3f', '?', '#', ' ', '"', '{', '|', '%7b', '%20', '\xe9', '\0', '%ef%bc%8f'],
];
const fragment = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...ordinary) },
  { weight: 2, arbitrary: fc.constantFrom(...hostile) },
);
const targets = fc
  .array(fragment, { maxLength: 8, size: 'max' })
  .map((fragments) => `/${fragments.join('')}`);
const options = fc.record<PathOptions>({
  duplicateSlashes: fc.constantFrom('merge', 'reject', 'keep'),
  encodedSlashes: fc.constantFrom('reject', 'allow'),
  parameters: fc.constantFrom('reject', 'ignore'),
});
const strict: PathOptions = { duplicateSlashes: 'merge', encodedSlashes: 'reject', parameters: 'reject' };

/** Asserts a property of every accepted target, and that enough were accepted for that to mean something. */
function accepted(
  t: Test,
  arbitrary: fc.Arbitrary<PathOptions>,
  holds: (target: Target, options: PathOptions) => boolean,
) {
  let count = 0;
  const property = fc.property(targets, arbitrary, (target, options) => {
    const read = compileCanonical(options)(target);
    if (isRefusal(read)) return true;
    count++;
    return holds(read, options);
  });
  fc.assert(property, { numRuns: 5000 });
  t.ok(count > 500, `${count} accepted`);
}

t.test('the canonical path is its own canonical form', async (t) => {
  accepted(t, options, ({ path, match, query }, options) => {
    const again = compileCanonical(options)(path + query);
    return !isRefusal(again) && again.path === path && again.match === match && again.query === query;
  });
});

t.test('the canonical path holds nothing that two parsers read differently', async (t) => {
  const never = /^\/\/|[^!-~]|[\\#"<>^`{|}]|%(?![0-9A-F]{2})|%(?:[01]|7F|5C)|\/\.+(?:[/;]|$)|\/;.*\//;
  const unreserved = /%(?:2[DE]|3[0-9]|4[1-9A-F]|5[0-9AF]|6[1-9A-F]|7[0-9AE])/;
  const matched = /%(?:2[146-9A-E]|3[0-9AD]|4|5[0-9AF]|6[1-9A-F]|7[0-9AE])/;
  accepted(t, options, ({ path, match }, { duplicateSlashes, encodedSlashes, parameters }) => {
    if (never.test(path) || unreserved.test(path)) return false;
    if (matched.test(match) || match.includes(';') || match.includes('//')) return false;
    if (duplicateSlashes !== 'keep' && path.includes('//')) return false;
    if (encodedSlashes === 'reject' && path.includes('%2F')) return false;
    if (parameters === 'reject' && path.includes(';')) return false;
    // Nothing but parameters, slashes and the escapes of reserved characters tells the two apart.
    const parts = path
      .replace(/;[^/]*/g, '')
      .replace(/\/+/g, '/')
      .split('/');
    return same(parts.map(decodeURIComponent), match.split('/').map(decodeURIComponent));
  });
});

t.test('a server that trims and normalizes finds no dot segments', async (t) => {
  accepted(t, options, ({ path, match }, { parameters }) => {
    const [plain] = [decodeURIComponent(path).normalize('NFKC')];
    if (plain.split(/[/\\]/).some((segment) => /^[\s.]*\.[\s.]*$/.test(segment.split(';')[0] ?? '')))
      return false;
    return parameters === 'ignore' || !match.includes(';');
  });
});

t.test('servers see the segments that the rules saw', async (t) => {
  accepted(t, fc.constant(strict), ({ path, match }) => {
    const ours = match.split('/').map(decodeURIComponent);
    return Object.values(models).every((read) => same(read(path), ours));
  });
});

t.test('a server that cuts parameters sees the segments that the rules saw', async (t) => {
  accepted(t, fc.constant<PathOptions>({ ...strict, parameters: 'ignore' }), ({ path, match }) =>
    same(models.Tomcat?.(path) ?? [], match.split('/').map(decodeURIComponent)),
  );
});

t.test('a server that splits at encoded slashes climbs nowhere', async (t) => {
  accepted(t, options, ({ path }) => {
    const segments = decodeURIComponent(path.replace(/;[^/]*/g, '')).split('/');
    return segments.every((segment) => !/^\.+(?:;|$)/.test(segment));
  });
});

t.test('a server that decodes twice finds the delimiters of one that decodes once', async (t) => {
  const delimiters = /[^/;\\?#\0]/g;
  accepted(t, options, ({ path }) => {
    const once = lax(path);
    const twice = lax(once);
    return once.replace(delimiters, '') === twice.replace(delimiters, '') && !/\/\.+(?:[/;]|$)/.test(twice);
  });
});

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((segment, index) => segment === b[index]);
}
