import ipaddr from 'ipaddr.js';
import { parseAddress } from './address.ts';

/**
 * An address as a page may show it: enough to tell networks apart, not a person. IPv4 without its last octet, IPv6
 * down to its /48. What is no address, such as `unknown`, stays as it is.
 */
export function maskAddress(text: string): string {
  const address = parseAddress(text);
  if (address === undefined) return text;
  if (address instanceof ipaddr.IPv4) return `${address.octets.slice(0, 3).join('.')}.x`;
  const site = address.parts.slice(0, 3).map((part) => part.toString(16));
  return `${site.join(':')}:…`;
}
