import { join } from 'node:path';
import t from 'tap';
import { loadConfig } from '../../src/config/load.ts';
import { anchors, readBlocks, readDoc, readTable } from './markdown.ts';

const text = readDoc('issuers.md');
const configs = readBlocks(text, 'yaml').filter((block) => !block.startsWith('# .github/'));
const files = '/var/run/secrets/api-server';

/** What `check` says of the issuers, where it says anything. */
const advice: Readonly<Record<string, readonly string[]>> = {
  'https://acme.eu.auth0.com/': ['issuers[0].maxLifetime'],
  'https://login.microsoftonline.com/8f2b6d0e-51a7-4c39-9d84-0c1e7a5b3f62/v2.0': ['issuers[0].maxLifetime'],
  'https://sts.windows.net/8f2b6d0e-51a7-4c39-9d84-0c1e7a5b3f62/': ['issuers[0].maxLifetime'],
  'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Ab12Cd34E': ['issuers[0].audience'],
  'https://token.actions.githubusercontent.com': ['issuers[0].maxLifetime'],
};

t.test('every config is a whole and valid file', async (t) => {
  const folder = t.testdir({
    'ca.crt': '',
    token: '',
    ...Object.fromEntries(configs.map((block, at) => [`${at}.yaml`, block.replaceAll(files, t.testdirName)])),
  });
  for (const [at, block] of configs.entries()) {
    t.ok(block.startsWith('# sidecar.yaml\n'), `block ${at} says what it is`);
    const { config, warnings } = loadConfig({ file: join(folder, `${at}.yaml`), env: {}, cwd: folder });
    t.equal(config.issuers.length, 1);
    const { issuer = '' } = config.issuers[0] ?? {};
    const said = warnings.map(({ path }) => path).filter((path) => !path.startsWith('listen'));
    t.same(said, advice[issuer] ?? [], `${issuer}: what check says`);
  }
});

t.test('the overview has every issuer', async (t) => {
  const rows = readTable(text, 'issuer', 'tokens for your API');
  const listed = rows.map(({ issuer = '' }) => /\(#([\w-]+)\)/.exec(issuer)?.[1]);
  t.same(listed, [...anchors(text)].slice(2), 'in the order of the sections');
});
