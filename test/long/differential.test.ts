import t from 'tap';
import { compareWithJose } from '../token/differential.ts';

t.test('ours accepts what jose accepts, save what the contract refuses: 50,000 tokens', async (t) => {
  const seed = Date.now();
  t.comment(`seed ${seed}`);
  await compareWithJose(t, 50_000, seed);
});
