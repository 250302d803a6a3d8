import t from 'tap';
import { compileNetworkOf } from '../../src/limit/network-of.ts';
import { compilePrefix } from '../../src/limit/prefix.ts';

t.test('the network of an address is that of the failure limit, asked for once or more often', async (t) => {
  const options = { ipv4Prefix: 24, ipv6Prefix: 56 };
  const networkOf = compileNetworkOf(options);
  const prefix = compilePrefix(options);
  for (const address of ['192.0.2.1', '192.0.2.9', '2001:db8:0:1ff::1', 'unknown', '192.0.2.1', 'unknown']) {
    t.equal(networkOf(address), prefix(address), address);
  }
});

t.test('without a failure limit it is an IPv4 address, or the /64 of an IPv6 one', async (t) => {
  const networkOf = compileNetworkOf(null);
  t.equal(networkOf('192.0.2.1'), '192.0.2.1');
  t.equal(networkOf('2001:db8::1'), networkOf('2001:db8::2'));
  t.not(networkOf('2001:db8::1'), networkOf('2001:db8:0:1::1'));
});

t.test('more addresses than are remembered are told apart as before', async (t) => {
  const networkOf = compileNetworkOf(null);
  for (let n = 0; n < 25_000; n++) networkOf(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`);
  t.equal(networkOf('10.0.0.1'), '10.0.0.1');
  t.equal(networkOf('10.0.97.168'), '10.0.97.168');
});
