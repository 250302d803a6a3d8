import { join } from 'node:path';
import t from 'tap';
import { loadConfig } from '../../src/config/load.ts';
import { anchors, readBlocks, readDoc, readTable } from './markdown.ts';

const text = readDoc('issuers.md');
const configs = readBlocks(text, 'yaml').filter((block) => !block.startsWith('# .github/'));
const files = /\/var\/run\/secrets\/[\w-]+/g;

type Said = Readonly<Record<string, readonly string[]>>;

/** What `check` advises for an issuer, where it advises anything. */
const advice: Said = {
  'https://acme.eu.auth0.com/': ['maxLifetime'],
  'https://login.microsoftonline.com/8f2b6d0e-51a7-4c39-9d84-0c1e7a5b3f62/v2.0': ['maxLifetime'],
  'https://login.microsoftonline.com/c41d9a70-2b6e-4f85-8a13-7e90d5c2b648/v2.0': ['maxLifetime'],
  'https://sts.windows.net/8f2b6d0e-51a7-4c39-9d84-0c1e7a5b3f62/': ['maxLifetime'],
  'https://token.actions.githubusercontent.com': ['maxLifetime'],
};
/** What it warns about. */
const warned: Said = {
  'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Ab12Cd34E': ['audience'],
};

t.test('every config is a whole and valid file', async (t) => {
  const folder = t.testdir({
    'ca.crt': '',
    token: '',
    ...Object.fromEntries(configs.map((block, at) => [`${at}.yaml`, block.replaceAll(files, t.testdirName)])),
  });
  for (const [at, block] of configs.entries()) {
    t.ok(block.startsWith('# sidecar.yaml\n'), `block ${at} says what it is`);
    const loaded = loadConfig({ file: join(folder, `${at}.yaml`), env: {}, cwd: folder });
    const { issuers } = loaded.config;
    const pathsOf = (said: typeof loaded.notes) =>
      said.map(({ path }) => path).filter((path) => !path.startsWith('listen'));
    const expected = (of: typeof advice) =>
      issuers.flatMap(({ issuer }, index) => (of[issuer] ?? []).map((key) => `issuers[${index}].${key}`));
    t.same(pathsOf(loaded.warnings), expected(warned), `${issuers[0]?.issuer}: what check warns about`);
    t.same(pathsOf(loaded.notes), expected(advice), `${issuers[0]?.issuer}: what check advises`);
  }
});

t.test('the overview has every issuer', async (t) => {
  const rows = readTable(text, 'issuer', 'tokens for your API');
  const listed = rows.map(({ issuer = '' }) => /\(#([\w-]+)\)/.exec(issuer)?.[1]);
  t.same(listed, [...anchors(text)].slice(2), 'in the order of the sections');
});
