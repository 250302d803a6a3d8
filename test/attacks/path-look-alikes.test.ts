import t from 'tap';
import { ask, startTarget } from './harness.ts';
import { disguises, veiledDots } from './paths.ts';

// A name that the rules read as another one, while the upstream, which compares without case, normalizes or trims, takes
// it for the one that a rule protects: CVE-2001-0766 (case), CVE-2019-9636 (NFKC).

const handshake = [
  ...['Connection: Upgrade', 'Upgrade: websocket'],
  ...['Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='],
];

const target = await startTarget(t);
const authorization = `Authorization: Bearer ${target.mint()}`;

t.test(
  'no disguise of a name leads past the rule for it, or into another, with a good token or without',
  async (t) => {
    for (const name of ['required', 'forbidden', 'public', 'optional']) {
      for (const [kind, disguise] of Object.entries(disguises(name))) {
        for (const end of ['', '/x']) {
          const path = `/${disguise}${end}`;
          const fields = end === '' ? [] : [authorization];
          await target.refuses(t, `${kind}: ${path}`, ask(`GET ${path}`, ...fields), 'path_ambiguous');
        }
      }
    }
  },
);

t.test('nor as a WebSocket handshake', async (t) => {
  for (const [kind, disguise] of Object.entries(disguises('forbidden'))) {
    const head = ask(`GET /${disguise}/x`, ...handshake, authorization);
    await target.refuses(t, `${kind}: ${disguise}`, head, 'path_ambiguous');
  }
});

t.test('below one rule, where no other is near, a disguise is a name like any other', async (t) => {
  for (const [kind, disguise] of Object.entries(disguises('forbidden'))) {
    const path = `/public/${disguise}`;
    // Unreserved characters are decoded on the way, and nothing else is changed.
    const seen = path.replace(/%[46][1-9a-f]/gi, (each) => decodeURIComponent(each));
    await target.allows(t, `${kind}: ${path}`, ask(`GET ${path}`), { target: seen });
  }
});

t.test('dot segments that only a lenient server sees, on every kind of rule', async (t) => {
  for (const [name, tails] of Object.entries(veiledDots)) {
    for (const area of ['/public', '/required', '/unmatched']) {
      for (const tail of tails) {
        const path = area + tail;
        await target.refuses(t, `${name}: ${path}`, ask(`GET ${path}`, authorization), 'path_ambiguous');
      }
    }
  }
});
