import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';

const root = resolve(import.meta.dirname, '../..');
const text = readFileSync(join(root, 'Dockerfile'), 'utf8').replace(/\\\n/g, ' ');
const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
const last = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM ')));
const value = (instruction: string) =>
  last
    .filter((line) => line.startsWith(`${instruction} `))
    .map((line) => line.slice(instruction.length + 1).trim());

t.test('the last stage of the Dockerfile', async (t) => {
  t.match(
    lines.filter((line) => line.startsWith('ARG NODE_IMAGE')),
    [/^ARG NODE_IMAGE=node:26-slim$/],
  );
  t.same(value('USER'), ['65532:65532'], 'nobody in particular, by number');
  t.same(value('STOPSIGNAL'), ['SIGTERM']);
  t.same(value('EXPOSE'), ['8080 9090']);
  const entry = JSON.parse(value('ENTRYPOINT')[0] ?? 'null');
  t.same(entry, ['node', '/app/dist/cli.js'], 'no shell stands between it and signals');
  t.same(JSON.parse(value('CMD')[0] ?? 'null'), ['run']);
  const [health = ''] = value('HEALTHCHECK');
  t.same(JSON.parse(health.slice(health.indexOf('['))), [...entry, 'health'], 'the program asks itself');
  t.same(value('RUN'), [], 'makes nothing');
  t.ok(value('COPY').length > 0);
  for (const copy of value('COPY'))
    t.match(copy, /^--from=build \/build\/build\/image\//, 'takes what was assembled');
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  t.same(
    value('ARG').filter((each) => each.startsWith('VERSION=')),
    [`VERSION=${version}`],
  );
});

t.test('the context of a build', async (t) => {
  const ignored = readFileSync(join(root, '.dockerignore'), 'utf8').split('\n');
  for (const each of ['.git', 'node_modules', 'dist', 'build', 'test']) t.ok(ignored.includes(each), each);
  const copied = lines.filter((line) => /^COPY (?!--from)/.test(line)).join(' ');
  for (const each of ['src', 'package-lock.json', 'config/assemble.ts', 'LICENSE']) t.match(copied, each);
});
