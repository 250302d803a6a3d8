import t from 'tap';
import { completeConfig } from '../../src/config/complete.ts';
import { parseDuration } from '../../src/config/units.ts';
import { bearer, startScene } from '../gateway/scene.ts';
import { codes, readDoc, readTable } from './markdown.ts';

const text = readDoc('tuning.md');
const issuers = [{ issuer: 'https://idp.example.com', audience: 'api://orders' }];
const { config } = completeConfig({ upstream: 'http://127.0.0.1:3000', issuers });
const whole = (number = '') => Number(number.replaceAll(',', ''));

/** A setting by its path in dots; of issuers the first. */
function setting(path: string): unknown {
  const start: unknown = path.startsWith('keys.') ? config.issuers[0] : config;
  return path.split('.').reduce((value, key) => (value as Record<string, unknown>)?.[key], start);
}

t.test('a cached token takes what the table says', async (t) => {
  const { gateway, issuer } = await startScene(t);
  const rows = readTable(text, 'Length of the token', 'Bytes in the cache');
  t.equal(rows.length, 4);
  const least = issuer.mint().length;
  for (const row of rows) {
    const length = whole(row['Length of the token']);
    // Base64url makes four characters of three.
    const pad = Math.max(0, Math.floor(((length - least) * 3) / 4) - ',"pad":""'.length);
    const token = issuer.mint({ claims: pad > 0 ? { pad: 'x'.repeat(pad) } : {} });
    const before = await gateway.metric('jwks_sidecar_token_cache_bytes');
    await gateway.request({ headers: bearer(token) });
    const bytes = (await gateway.metric('jwks_sidecar_token_cache_bytes')) - before;
    const said = whole(row['Bytes in the cache']);
    t.ok(Math.abs(bytes - said) < said / 20, `${length}: ${bytes} of ${said}`);
    const fit = config.token.cache.maxBytes / said;
    const [many] = /[\d,]+/.exec(row['That fit into 32 MiB'] ?? '') ?? [];
    t.ok(Math.abs(whole(many) - fit) < fit / 50, `${many} fit`);
    t.equal(
      fit > config.token.cache.maxEntries,
      row['That fit into 32 MiB']?.includes(',') && /first|likewise/.test(row['That fit into 32 MiB']),
      'and which limit is reached first',
    );
  }
});

t.test('the defaults are those of the schema', async (t) => {
  const times = readTable(text, 'Setting', 'Raise it for').map((row) => row.Setting ?? '');
  const named = [...times, ...(text.match(/`[a-zA-Z.]+` \(\d[^)]*\)/g) ?? [])];
  t.ok(named.length > 12);
  for (const each of named) {
    const [path = ''] = codes(each);
    const value = setting(path);
    // Names without a path are settings whose section the sentence names.
    if (typeof value !== 'number') continue;
    const [, said = ''] = /` \(?([\d,]+ ?\w*)/.exec(each) ?? [];
    const [, amount = '', unit = ''] = /^([\d,]+) ?(\w*)$/.exec(said) ?? [];
    const units: Readonly<Record<string, string>> = { min: 'm', h: 'h', s: 's' };
    const expected = unit === '' ? whole(amount) : parseDuration(`${amount}${units[unit]}`);
    t.equal(value, expected, `${path}: ${said}`);
  }
});
