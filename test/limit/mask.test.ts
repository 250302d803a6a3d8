import t from 'tap';
import { maskAddress } from '../../src/limit/mask.ts';

t.test('an address as a page may show it', async (t) => {
  const cases = {
    '203.0.113.77': '203.0.113.x',
    '0.0.0.0': '0.0.0.x',
    '::ffff:203.0.113.77': '203.0.113.x',
    '2001:db8:12:3400::77': '2001:db8:12:…',
    '2001:db8::77': '2001:db8:0:…',
    '::1': '0:0:0:…',
    'fe80::1%eth0': 'fe80:0:0:…',
    unknown: 'unknown',
    '': '',
  };
  for (const [address, shown] of Object.entries(cases)) t.equal(maskAddress(address), shown, address);
});
