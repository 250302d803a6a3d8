import { existsSync, readFileSync } from 'node:fs';
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
  t.equal(value('RUN').length, 1);
  for (const command of value('RUN').flatMap((line) => line.split('&&')))
    t.match(command.trim(), /^(rm -rf |find .* -delete$|find .* -exec chmod ug-s )/, 'only takes away');
  t.match(value('RUN')[0], '/usr/local/lib/node_modules', 'npm above all');
  t.ok(value('COPY').length > 0);
  for (const copy of value('COPY'))
    t.match(copy, /^--from=build \/build\/build\/image\//, 'takes what was assembled');
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  t.same(
    value('ARG').filter((each) => each.startsWith('VERSION=')),
    [`VERSION=${version}`],
  );
  const labels = value('LABEL').join(' ');
  for (const name of ['title', 'description', 'licenses', 'version', 'revision', 'created'])
    t.match(labels, `org.opencontainers.image.${name}=`);
  t.same(
    value('ENV').map((line) => line.split('=')[0]),
    ['NODE_ENV'],
    'no option of Node is set behind anybody’s back',
  );
});

t.test('the context of a build', async (t) => {
  const patterns = readFileSync(join(root, '.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  t.equal(patterns[0], '*', 'holds nothing by default, thus no secret and no test');
  const copied = lines
    .filter((line) => /^COPY (?!--from)/.test(line))
    .flatMap((line) => line.split(/\s+/).slice(1, -1));
  t.same(patterns.slice(1).toSorted(), copied.map((source) => `!${source}`).toSorted(), 'but what is copied');
  for (const source of copied) t.ok(existsSync(join(root, source)), source);
});
