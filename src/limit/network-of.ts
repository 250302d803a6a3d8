import { compilePrefix, type PrefixOptions } from './prefix.ts';

/** Addresses whose networks are remembered. */
const mostKnown = 10_000;

/**
 * Compiles the network of an address, for what every request asks: those asked for lately are remembered, since it
 * takes some microseconds to read an IPv6 address.
 *
 * @param options null: those of a failure limit that is not configured otherwise
 */
export function compileNetworkOf(options: PrefixOptions | null): (address: string) => string {
  const prefix = compilePrefix(options ?? { ipv4Prefix: 32, ipv6Prefix: 64 });
  const known = new Map<string, string>();
  return (address) => {
    const found = known.get(address);
    if (found !== undefined) return found;
    if (known.size >= mostKnown) known.clear();
    const network = prefix(address);
    known.set(address, network);
    return network;
  };
}
