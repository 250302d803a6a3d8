import { isIPv4 } from 'node:net';
import ipaddr from 'ipaddr.js';
import { formatAddress, parseAddress } from './address.ts';

export interface PrefixOptions {
  /** Leading bits of an IPv4 address that tell clients apart, 0 to 32. */
  readonly ipv4Prefix: number;
  /** Leading bits of an IPv6 address that tell clients apart, 0 to 128; one site usually holds a whole /64. */
  readonly ipv6Prefix: number;
}

/**
 * Compiles the key under which the failure limit counts an address: the network it belongs to, as text. What is no
 * address, such as `unknown`, is its own key.
 */
export function compilePrefix({ ipv4Prefix, ipv6Prefix }: PrefixOptions): (address: string) => string {
  const ipv4Mask = ipaddr.IPv4.subnetMaskFromPrefixLength(ipv4Prefix).octets;
  const ipv6Mask = ipaddr.IPv6.subnetMaskFromPrefixLength(ipv6Prefix).parts;
  return (text) => {
    // The one text of an address already, and nearly always asked for.
    if (ipv4Prefix === 32 && isIPv4(text)) return text;
    const address = parseAddress(text);
    if (address === undefined) return text;
    return formatAddress(
      address instanceof ipaddr.IPv6
        ? new ipaddr.IPv6(masked(address.parts, ipv6Mask))
        : new ipaddr.IPv4(masked(address.octets, ipv4Mask)),
    );
  };
}

function masked(parts: readonly number[], mask: readonly number[]): number[] {
  return parts.map((part, index) => part & (mask[index] ?? 0));
}
