import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import t from 'tap';

const src = resolve(import.meta.dirname, '../src');
const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
const importPattern =
  /(?:^|\n)\s*(?:import|export)\s[^;]*?from\s+'([^']+)'|import\('([^']+)'\)|(?:^|\n)import\s+'([^']+)'/g;

interface Import {
  /** A file under src, or a package or node: module. */
  readonly target: string;
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(src, file), 'utf8');
  return [...text.matchAll(importPattern)].map((match) => {
    const specifier = (match[1] ?? match[2] ?? match[3]) as string;
    const target = specifier.startsWith('.')
      ? relative(src, resolve(src, dirname(file), specifier))
      : specifier;
    return { target };
  });
}

/** What each stage may know besides node: modules, its own room and the shared files below. */
const stages: Readonly<
  Record<string, { readonly rooms: readonly string[]; readonly packages: readonly string[] }>
> = {
  claims: { rooms: [], packages: ['re2js'] },
  path: { rooms: [], packages: [] },
  rules: { rooms: ['claims', 'path'], packages: [] },
  token: { rooms: ['claims'], packages: ['jose'] },
  keys: { rooms: [], packages: ['jose', 'undici', 'ipaddr.js'] },
  limit: { rooms: [], packages: ['ipaddr.js'] },
  identity: { rooms: ['claims'], packages: [] },
  proxy: { rooms: ['path'], packages: ['undici'] },
};

const shared = ['errors.ts', 'clock.ts', 'fifo.ts', 'algorithms.ts', 'regular-file.ts'];

for (const [stage, { rooms, packages }] of Object.entries(stages)) {
  t.test(`${stage} knows only what its stage needs`, async (t) => {
    const own = files.filter((file) => file.startsWith(`${stage}/`));
    t.ok(own.length > 0, 'the room exists');
    for (const file of own) {
      for (const { target } of importsOf(file)) {
        const allowed =
          target.startsWith('node:') ||
          shared.includes(target) ||
          [stage, ...rooms].some((room) => target.startsWith(`${room}/`)) ||
          packages.includes(target);
        t.ok(allowed, `${file} imports ${target}`);
      }
    }
  });
}

t.test('explain asks the stages, never the web server or what hangs on it', async (t) => {
  for (const file of files.filter((each) => each.startsWith('explain/'))) {
    for (const { target } of importsOf(file)) {
      t.notMatch(
        target,
        /^(fastify|@fastify\/|hooks\/|gateway\.ts|admin\.ts|server\.ts)/,
        `${file} imports ${target}`,
      );
    }
  }
});

t.test('the page is made of what is known: its web server is in one file', async (t) => {
  const allowed = /^(node:|page\/|errors\.ts$|explain\/|observe\/|keys\/status\.ts$|status\.ts$)/;
  for (const file of files.filter((each) => each.startsWith('page/'))) {
    for (const { target } of importsOf(file)) {
      if (file === 'page/routes.ts' && target === 'fastify') continue;
      t.match(target, allowed, `${file} imports ${target}`);
    }
  }
});

const isCommandLine = (file: string) => file === 'cli.ts' || file.startsWith('cli/');

t.test(
  'only the command line ends the process, and only it and the config read the environment',
  async (t) => {
    for (const file of files) {
      const text = readFileSync(join(src, file), 'utf8');
      if (!isCommandLine(file)) {
        t.notMatch(text, /process\.exit\b/, `${file} does not exit`);
        t.notMatch(text, /process\.env\b/, `${file} does not read the environment`);
      }
      t.notMatch(text, /console\./, `${file} does not print past the logger`);
    }
  },
);

t.test('nothing imports the demo but the command line, and nothing imports the command line', async (t) => {
  for (const file of files) {
    for (const { target } of importsOf(file)) {
      if (isCommandLine(file)) continue;
      t.notOk(isCommandLine(target), `${file} imports the command line`);
      if (!file.startsWith('demo/')) {
        t.notOk(target.startsWith('demo/'), `${file} imports ${target}`);
      }
    }
  }
});

t.test('no room is called by what it is not about', async (t) => {
  for (const file of files) t.notMatch(file, /(^|\/)(utils?|helpers?|common|lib|misc)(\/|\.ts$)/, file);
});
