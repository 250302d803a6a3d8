import t from 'tap';
import { compareWithJose } from './differential.ts';

t.test('ours accepts what jose accepts, save what the contract refuses', async (t) => {
  await compareWithJose(t, 4000, 20260101);
});
