import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

export type Address = ipaddr.IPv4 | ipaddr.IPv6;

/**
 * Reads an IP address in the strict forms of RFC 4291 section 2.2 and dotted decimal. A zone id is dropped; an
 * IPv4-mapped IPv6 address is the IPv4 address.
 *
 * @returns undefined for anything else
 */
export function parseAddress(text: string): Address | undefined {
  // ipaddr.js alone also reads 010.1, 0x7f.1 and 1, which another reader may take for another host.
  const family = isIP(text);
  if (family === 4) return ipaddr.IPv4.parse(text);
  // It takes the deprecated ::10.0.0.1 (RFC 4291 section 2.5.5.1) for ::ffff:10.0.0.1, which is not the same host.
  if (family !== 6 || /^::\d+\./.test(text)) return undefined;
  const zone = text.indexOf('%');
  const address = ipaddr.IPv6.parse(zone < 0 ? text : text.slice(0, zone));
  return address.isIPv4MappedAddress() ? address.toIPv4Address() : address;
}

/** The one text of an address: dotted decimal, or RFC 5952 without a zone id. */
export function formatAddress(address: Address): string {
  return address instanceof ipaddr.IPv6 ? address.toRFC5952String() : address.toString();
}
