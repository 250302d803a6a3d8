import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';
import { codes, readDoc, readTable } from './markdown.ts';

const text = readDoc('keys.md');
const source = readFileSync(join(resolve(import.meta.dirname, '../..'), 'src/keys/status.ts'), 'utf8');

/** The strings of a union type, in its order. */
function union(name: string): string[] {
  const [, body = ''] = new RegExp(`export type ${name} =([^;]*);`).exec(source) ?? [];
  return [...body.matchAll(/'(\w+)'/g)].map((match) => match[1] as string);
}

t.test('the page has every state and every trigger that there is', async (t) => {
  const states = readTable(text, 'State', 'Tokens of the issuer').map((row) => codes(row.State ?? '')[0]);
  t.same(states, union('KeySetState'));
  for (const state of union('KeySetState')) t.match(text, new RegExp(`│ +${state} +│`), `${state} is drawn`);
  const triggers = readTable(text, 'Why', 'Trigger').map((row) => codes(row.Trigger ?? '')[0]);
  t.same(triggers, union('Trigger'));
});
