import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { createGateway } from '../../src/index.ts';
import { readBlocks, readDoc, readTable } from '../docs/markdown.ts';
import { compile } from '../helpers/compile.ts';
import { link, pack } from './pack.ts';

const { project } = await pack(t);
link(project, '@types/node');
const page = readDoc('library.md');
const { PATH = '' } = process.env;

/** As strict as a user may be, and nothing that our own checkout has. */
const options = {
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: false,
  module: 'nodenext',
  target: 'es2023',
  types: ['node'],
};

/** Compiles files of the project, all at once: most of the time goes into the types of Node. */
async function check(sources: Readonly<Record<string, string>>): Promise<void> {
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
  for (const [file, source] of Object.entries(sources)) writeFileSync(join(project, file), source);
  const config = join(project, 'tsconfig.json');
  writeFileSync(config, JSON.stringify({ compilerOptions: options, files: Object.keys(sources) }));
  await compile(['-p', config]);
}

/** Types refuse what the config refuses, and name what can be thrown. */
const types = `import { type Config, type ConfigInput, createGateway, type Gateway, GatewayError, type Reason, reasons } from 'jwks-sidecar';
import schema from 'jwks-sidecar/config/schema.json' with { type: 'json' };
const least: ConfigInput = { upstream: 'http://a', issuers: [{ issuer: 'https://a', audience: null }] };
// @ts-expect-error an issuer needs an audience, or null
export const careless: ConfigInput = { upstream: 'http://a', issuers: [{ issuer: 'https://a' }] };
// @ts-expect-error none is no algorithm
export const unsigned: ConfigInput = { ...least, issuers: [{ issuer: 'https://a', audience: 'a', algorithms: ['none'] }] };
// @ts-expect-error a misspelled setting
export const misspelled: ConfigInput = { ...least, lisen: {} };
// @ts-expect-error a pino logger is none of its options
createGateway(least, { logger: null });
export const gateway: Gateway = createGateway(least, { log: process.stdout, proxy: { httpsProxy: 'http://a' } });
export const status: number = reasons.token_missing.status;
export const reason: Reason = 'token_expired';
export const title: string = schema.title;
export function port(config: Config): number { return config.listen.port; }
export function isEarly(error: unknown): boolean {
  if (!(error instanceof GatewayError)) return false;
  // @ts-expect-error no such code
  return error.code === 'not_serving' || error.code === 'nonsense';
}
`;

t.test('the program of the page compiles against the package and says what the page says', async (t) => {
  const [program = ''] = readBlocks(page, 'ts');
  await check({ 'gateway.ts': program, 'types.ts': types });
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['gateway.js'], {
    cwd: project,
    env: { PATH },
  });
  const shown = readBlocks(page, 'console').find((block) => block.includes('node gateway.js')) ?? '';
  t.equal(stdout, shown.slice(shown.indexOf('\n') + 1));
  t.equal(stderr, '');
});

t.test('the page has every member of a gateway', async (t) => {
  const gateway = createGateway({
    upstream: 'http://127.0.0.1:1',
    issuers: [{ issuer: 'https://a', audience: 'a' }],
  });
  t.teardown(() => gateway.close());
  const heads = [...page.matchAll(/^\| `(\w+)[`(]/gm)].map(([, name = '']) => name);
  const members = Object.keys(gateway);
  t.same(heads.filter((name) => members.includes(name)).toSorted(), members.toSorted());
  const errors = readTable(page, 'class', 'code', 'when').map((row) => row.code);
  t.same(
    errors.filter((code) => /^`/.test(code ?? '')),
    ['config_invalid', 'already_started', 'not_serving', 'keys_unavailable'].map((code) => `\`${code}\``),
  );
});
