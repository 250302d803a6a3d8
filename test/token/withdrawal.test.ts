import t from 'tap';
import type { KeyFinder, VerificationKey } from '../../src/token/key.ts';
import { makeKey } from '../helpers/key.ts';
import { holdKeys, publish, reasonOf, setUp, sign } from './fixture.ts';

const rsa = await makeKey('RS256', { kid: 'rsa' });

/** A door that keeps whoever passes until it is opened, and says that somebody is there. */
function hold() {
  const opened = defer();
  const arrived = defer();
  function pass(): Promise<void> {
    arrived.resolve();
    return opened.promise;
  }
  return { open: opened.resolve, arrived: arrived.promise, pass };
}

function defer() {
  let resolve = () => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

t.test('a verification that began before a withdrawal is refused and not cached', async (t) => {
  const door = hold();
  const key = publish(rsa.publicKey, 'rsa');
  const keys: KeyFinder = {
    usable: () => true,
    async find(): Promise<readonly VerificationKey[]> {
      await door.pass();
      return [key];
    },
  };
  const { verify, cached, stats } = setUp({ keys });
  const token = sign(rsa);
  const verdict = verify(token, null);
  await door.arrived;
  key.withdrawn = true;
  door.open();
  t.equal(reasonOf(await verdict), 'key_unknown');
  t.equal(stats().entries, 0);
  key.withdrawn = false;
  t.equal(cached(token), undefined);
});

t.test('of two keys with one kid, the withdrawal of the other one is no matter', async (t) => {
  const withdrawn = publish((await makeKey('RS256')).publicKey, 'rsa');
  withdrawn.withdrawn = true;
  const { verify } = setUp({ keys: holdKeys([withdrawn, publish(rsa.publicKey, 'rsa')]) });
  t.equal(reasonOf(await verify(sign(rsa), null)), 'ok');
});
