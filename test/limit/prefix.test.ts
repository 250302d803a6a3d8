import fc from 'fast-check';
import t from 'tap';
import { compilePrefix } from '../../src/limit/prefix.ts';

t.test('the key of an address', async (t) => {
  const cases: Record<string, [ipv4Prefix: number, ipv6Prefix: number, address: string, key: string]> = {
    'a whole IPv4 address': [32, 64, '192.0.2.77', '192.0.2.77'],
    'an IPv4 network': [24, 64, '192.0.2.77', '192.0.2.0'],
    'an IPv4 network that ends inside an octet': [28, 64, '192.0.2.77', '192.0.2.64'],
    'all of IPv4': [0, 64, '192.0.2.77', '0.0.0.0'],
    'an IPv4-mapped address is IPv4': [24, 64, '::ffff:192.0.2.77', '192.0.2.0'],
    'an IPv6 site': [32, 64, '2001:db8:1:2:3:4:5:6', '2001:db8:1:2::'],
    'a prefix that ends inside a group': [32, 60, '2001:db8:1:ffff::6', '2001:db8:1:fff0::'],
    'a whole IPv6 address': [32, 128, '2001:DB8::0001', '2001:db8::1'],
    'all of IPv6': [32, 0, '2001:db8::1', '::'],
    'a zone id': [32, 128, 'fe80::1%eth0', 'fe80::1'],
    'no address': [32, 64, 'unknown', 'unknown'],
  };
  for (const [name, [ipv4Prefix, ipv6Prefix, address, key]] of Object.entries(cases)) {
    t.equal(compilePrefix({ ipv4Prefix, ipv6Prefix })(address), key, name);
  }
});

t.test('two addresses have one key exactly when their leading bits agree', async () => {
  const octets = fc.array(fc.constantFrom(0, 127, 128, 255), { minLength: 4, maxLength: 4 });
  const bits = (parts: readonly number[]) => parts.map((part) => part.toString(2).padStart(8, '0')).join('');
  fc.assert(
    fc.property(octets, octets, fc.nat({ max: 32 }), (one, other, ipv4Prefix) => {
      const prefix = compilePrefix({ ipv4Prefix, ipv6Prefix: 64 });
      const same = bits(one).slice(0, ipv4Prefix) === bits(other).slice(0, ipv4Prefix);
      return (prefix(one.join('.')) === prefix(other.join('.'))) === same;
    }),
  );
});
