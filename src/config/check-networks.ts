import ipaddr from 'ipaddr.js';
import type { Checked, Finding } from './finding.ts';
import type { Config } from './schema.ts';

interface Range {
  readonly first: bigint;
  readonly last: bigint;
}

interface Network {
  readonly kind: 'ipv4' | 'ipv6';
  readonly range: Range;
  /** As it is read, where an address within it was written. */
  readonly text: string;
  readonly exact: boolean;
}

/** What can be anybody's: all IPv4 addresses, and the IPv6 addresses of the public internet, 2000::/3. */
const public4: Range = { first: 0n, last: 2n ** 32n - 1n };
const public6: Range = { first: 1n << 125n, last: (1n << 126n) - 1n };
/** Nobody has as many proxies as a sixteenth of it. */
const most = 16n;

/** Proxies that are believed although they could be anybody. */
export function checkNetworks({ listen: { trustedProxies } }: Config): Checked {
  const path = ['listen', 'trustedProxies'];
  const networks = trustedProxies.map(readNetwork);
  const inexact = networks.flatMap((network, index): Finding[] =>
    network !== null && !network.exact
      ? [
          {
            path: [...path, index],
            message: 'is an address within a network; the whole network is believed',
            hint: `write ${network.text}`,
          },
        ]
      : [],
  );
  const wide = (['ipv4', 'ipv6'] as const).flatMap((kind): Finding[] => {
    const all = kind === 'ipv4' ? public4 : public6;
    const ranges = networks.flatMap((network) => (network?.kind === kind ? [network.range] : []));
    const held = countWithin(ranges, all);
    const size = all.last - all.first + 1n;
    if (held * most < size) return [];
    const share = held === size ? 'every' : 'a large part of all';
    const name = `${kind === 'ipv4' ? 'IPv4' : 'IPv6'} ${held === size ? 'address' : 'addresses'}`;
    return [
      {
        path,
        message: `holds ${share} ${name}: any of these clients can say in X-Forwarded-For that it is another one`,
        hint: 'list the networks of your proxies alone',
      },
    ];
  });
  return { faults: [], warnings: [...inexact, ...wide] };
}

function readNetwork(text: string): Network | null {
  const [address = '', prefix] = text.split('/');
  if (!ipaddr.isValid(address)) return null;
  const given = ipaddr.parse(address);
  const parsed = ipaddr.process(address);
  const kind = parsed.kind();
  const width = kind === 'ipv4' ? 32 : 128;
  const mapped = given.kind() === 'ipv6' && kind === 'ipv4' ? 96 : 0;
  const bits = prefix === undefined ? width : Number(prefix) - mapped;
  if (!(bits >= 0 && bits <= width)) return null;
  const value = parsed.toByteArray().reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const rest = BigInt(width - bits);
  const first = (value >> rest) << rest;
  const shown = (kind === 'ipv4' ? ipaddr.IPv4 : ipaddr.IPv6).networkAddressFromCIDR(`${parsed}/${bits}`);
  return {
    kind,
    range: { first, last: first + (1n << rest) - 1n },
    text: `${shown}/${bits}`,
    exact: first === value,
  };
}

/** How many addresses of a range some of the others hold. */
function countWithin(ranges: readonly Range[], all: Range): bigint {
  let count = 0n;
  let next = all.first;
  for (const { first, last } of ranges.toSorted((a, b) => (a.first < b.first ? -1 : 1))) {
    if (first > all.last || last < next) continue;
    if (first > next) next = first;
    let after = last + 1n;
    if (last > all.last) after = all.last + 1n;
    count += after - next;
    next = after;
  }
  return count;
}
