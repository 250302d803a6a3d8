import { isIPv6 } from 'node:net';
import { type Address, parseAddress } from './address.ts';

interface Network {
  readonly address: Address;
  readonly prefix: number;
}

/**
 * Compiles networks in CIDR notation, RFC 4632 section 3.1; an address without a prefix is that address alone.
 *
 * @throws Error whose message is a plain sentence, for text that is neither
 */
export function compileNetworks(cidrs: readonly string[]): (address: Address) => boolean {
  const networks = cidrs.map(parseNetwork);
  return (address) =>
    networks.some(
      (network) =>
        network.address.kind() === address.kind() && address.match(network.address, network.prefix),
    );
}

function parseNetwork(cidr: string): Network {
  const slash = cidr.indexOf('/');
  const text = slash < 0 ? cidr : cidr.slice(0, slash);
  const address = parseAddress(text);
  // A zone would be dropped, and with it a part of what the network was limited to.
  if (address === undefined || cidr.includes('%')) throw unreadable(cidr);
  const width = address.kind() === 'ipv4' ? 32 : 128;
  if (slash < 0) return { address, prefix: width };

  const digits = cidr.slice(slash + 1);
  const mappedBits = width === 32 && isIPv6(text) ? 96 : 0;
  const prefix = Number(digits) - mappedBits;
  if (!/^\d{1,3}$/.test(digits) || prefix < 0 || prefix > width) throw unreadable(cidr);
  return { address, prefix };
}

function unreadable(cidr: string): Error {
  return new Error(`"${cidr}" is not a network such as 10.0.0.0/8 or fd00::/8.`);
}
