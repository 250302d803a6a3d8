import type { IncomingMessage } from 'node:http';
import { isIPv4, SocketAddress } from 'node:net';
import fc from 'fast-check';
import t from 'tap';
import { compileClient } from '../../src/limit/client.ts';

function request(remoteAddress: string | undefined, forwardedFor?: string | string[]): IncomingMessage {
  const headers = forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor };
  return { socket: { remoteAddress }, headers } as unknown as IncomingMessage;
}

t.test('without trusted proxies the client is the peer, whatever the headers say', async (t) => {
  const client = compileClient([]);
  const peers = {
    '192.0.2.7': '192.0.2.7',
    '::ffff:192.0.2.7': '192.0.2.7',
    '2001:db8::7': '2001:db8::7',
    '::1': '::1',
    'fe80::1%eth0': 'fe80::1',
    '::ffff:192.0.2.7%eth0': '192.0.2.7',
  };
  for (const [peer, address] of Object.entries(peers)) {
    t.strictSame(client(request(peer, '203.0.113.9')), { address, peer: address, peerTrusted: false }, peer);
  }
  t.strictSame(
    client(request(undefined)),
    { address: 'unknown', peer: 'unknown', peerTrusted: false },
    'a lost socket',
  );
  t.doesNotThrow(() => {
    const headers = {
      get 'x-forwarded-for'(): string {
        throw new Error('the header was read');
      },
    };
    client({ socket: { remoteAddress: '192.0.2.7' }, headers } as unknown as IncomingMessage);
  }, 'no header is looked at');
});

t.test('behind trusted proxies', async (t) => {
  const client = compileClient(['10.0.0.0/8', '2001:db8:ff::/48', '192.0.2.53']);
  const cases: Record<string, [string | undefined, string | string[] | undefined, string, boolean]> = {
    'an untrusted peer is itself': ['203.0.113.9', '198.51.100.1', '203.0.113.9', false],
    'a lost socket is nobody': [undefined, '198.51.100.1', 'unknown', false],
    'a neighbour of a trusted address': ['192.0.2.54', '198.51.100.1', '192.0.2.54', false],
    'no header': ['10.0.0.1', undefined, '10.0.0.1', true],
    'an empty header': ['10.0.0.1', '', '10.0.0.1', true],
    'one entry': ['10.0.0.1', '198.51.100.1', '198.51.100.1', true],
    'a mapped peer': ['::ffff:10.0.0.1', '198.51.100.1', '198.51.100.1', true],
    'an IPv6 peer': ['2001:db8:ff::1', '198.51.100.1', '198.51.100.1', true],
    'the last untrusted entry, not the first': ['10.0.0.1', '1.1.1.1, 198.51.100.1', '198.51.100.1', true],
    'through several proxies': [
      '10.0.0.1',
      '1.1.1.1,198.51.100.1, 192.0.2.53 ,10.9.9.9',
      '198.51.100.1',
      true,
    ],
    'proxies all the way': ['10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3', true],
    'several lines': ['10.0.0.1', ['1.1.1.1', '198.51.100.1, 10.0.0.2'], '198.51.100.1', true],
    'an IPv6 client in another spelling': ['10.0.0.1', '2001:DB8:0:0:0:0:0:0001', '2001:db8::1', true],
    'a mapped client': ['10.0.0.1', '::ffff:198.51.100.1', '198.51.100.1', true],
    'a mapped proxy in hexadecimal': ['10.0.0.1', '198.51.100.1, ::ffff:a00:2', '198.51.100.1', true],
    'a zone id': ['10.0.0.1', 'fe80::1%eth0', 'fe80::1', true],
    'a port': ['10.0.0.1', '198.51.100.1:4711', '198.51.100.1', true],
    'an IPv6 port': ['10.0.0.1', '[2001:db8::1]:4711', '2001:db8::1', true],
    brackets: ['10.0.0.1', '[2001:db8::1]', '2001:db8::1', true],
    'a malformed entry': ['10.0.0.1', '198.51.100.1, unknown', '10.0.0.1', true],
    'a malformed entry behind a proxy': ['10.0.0.1', '198.51.100.1, x, 10.0.0.2', '10.0.0.2', true],
    'an empty entry': ['10.0.0.1', '198.51.100.1,,10.0.0.2', '10.0.0.2', true],
    'a comma first': ['10.0.0.1', ',10.0.0.2', '10.0.0.2', true],
    'commas alone': ['10.0.0.1', ',,', '10.0.0.1', true],
    'octal is not decimal': ['10.0.0.1', '198.51.100.1, 012.0.0.1', '10.0.0.1', true],
    'a short form': ['10.0.0.1', '198.51.100.1, 10.1', '10.0.0.1', true],
    hexadecimal: ['10.0.0.1', '198.51.100.1, 0x0a000001', '10.0.0.1', true],
    'an IPv4-compatible address is no IPv4 address': [
      '10.0.0.1',
      '198.51.100.1, ::10.0.0.2',
      '10.0.0.1',
      true,
    ],
    'an IPv4 address with a zone id': ['10.0.0.1', '198.51.100.1, 10.0.0.2%eth0', '10.0.0.1', true],
    'control characters': ['10.0.0.1', '198.51.100.1\u0000', '10.0.0.1', true],
    'a very long entry': ['10.0.0.1', '['.repeat(20_000), '10.0.0.1', true],
  };
  for (const [name, [peer, forwardedFor, address, peerTrusted]] of Object.entries(cases)) {
    const plain = (peer ?? 'unknown').replace(/^::ffff:(?=.*\.)/, '').replace(/%.*/, '');
    t.strictSame(client(request(peer, forwardedFor)), { address, peer: plain, peerTrusted }, name);
  }
});

t.test('networks', async (t) => {
  const trusted: Record<string, readonly [string, string]> = {
    '0.0.0.0/0': ['203.0.113.9', '2001:db8::1'],
    '::/0': ['2001:db8::1', '203.0.113.9'],
    '10.1.2.3/8': ['10.200.0.1', '11.0.0.1'],
    '10.0.0.128/25': ['10.0.0.128', '10.0.0.127'],
    '::ffff:10.0.0.0/104': ['10.200.0.1', '11.0.0.1'],
    '::ffff:10.0.0.1': ['10.0.0.1', '10.0.0.2'],
    'fd00::/7': ['fc00::1', 'fe00::1'],
    '2001:db8::/33': ['2001:db8:7fff::1', '2001:db8:8000::1'],
    '::1': ['::1', '::2'],
  };
  for (const [cidr, [inside, outside]] of Object.entries(trusted)) {
    const client = compileClient([cidr]);
    t.ok(client(request(inside)).peerTrusted, `${cidr} holds ${inside}`);
    t.notOk(client(request(outside)).peerTrusted, `${cidr} does not hold ${outside}`);
  }
  const unreadable = [
    '',
    '/',
    'x',
    '10/8',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '10.0.0.0/8.0',
    '10.0.0.0/1e1',
    '10.0.0.0/ 8',
    '10.0.0.0/255.0.0.0',
    '010.0.0.0/8',
    'fd00::/129',
    '::ffff:10.0.0.0/95',
    'fe80::%eth0/10',
    'loopback',
    'proxy.example.com',
  ];
  for (const cidr of unreadable) {
    t.throws(
      () => compileClient(['127.0.0.1', cidr]),
      { message: `"${cidr}" is not a network such as 10.0.0.0/8 or fd00::/8.` },
      JSON.stringify(cidr),
    );
  }
});

t.test('any forwarded address becomes the text that the kernel would give a peer', async () => {
  const client = compileClient(['10.0.0.1']);
  const part = fc.constantFrom('0', '0000', '1', '00a', 'ABCD', 'ffff');
  const parts = fc.array(part, { minLength: 8, maxLength: 8 });
  const compressed = fc
    .tuple(fc.array(part, { maxLength: 6 }), fc.array(part, { maxLength: 6 }))
    .filter(([left, right]) => left.length + right.length < 8)
    .map(([left, right]) => `${left.join(':')}::${right.join(':')}`);
  fc.assert(
    fc.property(
      fc.oneof(
        parts.map((all) => all.join(':')),
        compressed,
        fc.ipV6(),
      ),
      (text) => {
        const compatible = /^::\d+\./.test(text);
        const kernel = new SocketAddress({ address: text, family: 'ipv6' }).address;
        const { address } = client(request('10.0.0.1', text));
        const peer = compileClient([])(request(kernel)).address;
        // The kernel writes ::a.b.c.d, IPv4-compatible and long deprecated, which RFC 5952 does not.
        if (!kernel.includes('.') || isIPv4(peer)) return address === peer;
        return compatible ? address === '10.0.0.1' : address.startsWith('::');
      },
    ),
  );
});

t.test('no header makes the reading of a client throw, or lets text other than an address out', async () => {
  const client = compileClient(['10.0.0.0/8', '::/0']);
  const piece = fc.constantFrom(
    '10.0.0.1',
    '::1',
    '::',
    ':',
    '.',
    '%',
    '[',
    ']',
    ',',
    ' ',
    '1',
    'f',
    ':80',
    '\r\n',
  );
  const header = fc.oneof(
    fc.string(),
    fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join('')),
  );
  fc.assert(
    fc.property(header, (forwardedFor) =>
      /^[0-9a-f.:]+$/.test(client(request('10.0.0.1', forwardedFor)).address),
    ),
  );
});
