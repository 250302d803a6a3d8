import { BlockList, isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

// Where clouds serve credentials to whoever asks from the inside, and what stands for "this host".
const offLimits = new BlockList();
offLimits.addSubnet('0.0.0.0', 8, 'ipv4');
offLimits.addSubnet('169.254.0.0', 16, 'ipv4');
offLimits.addAddress('100.100.100.200', 'ipv4');
offLimits.addAddress('192.0.0.192', 'ipv4');
offLimits.addAddress('168.63.129.16', 'ipv4');
offLimits.addAddress('::', 'ipv6');
offLimits.addSubnet('fe80::', 10, 'ipv6');
offLimits.addAddress('fd00:ec2::254', 'ipv6');
offLimits.addAddress('fd20:ce::254', 'ipv6');
// 169.254.0.0/16 again, as an IPv4-compatible address and behind NAT64 (RFC 6052).
offLimits.addSubnet('::169.254.0.0', 112, 'ipv6');
offLimits.addSubnet('64:ff9b::169.254.0.0', 112, 'ipv6');

const offLimitsNames = new Set(['metadata', 'metadata.google.internal', 'instance-data']);

/** The host of a URL that names this machine: `localhost`, 127.0.0.0/8 or ::1. */
export function isLoopback(url: URL): boolean {
  const host = hostOf(url);
  return host === 'localhost' || host.endsWith('.localhost') || listed(loopback, host);
}

/** The literal host of a URL is link-local, unspecified, or a cloud's metadata service. Names are not resolved. */
export function isOffLimits(url: URL): boolean {
  const host = hostOf(url);
  return offLimitsNames.has(host) || listed(offLimits, host);
}

/** The same of an address that a name resolved to. */
export function isOffLimitsAddress(address: string): boolean {
  return listed(offLimits, address);
}

/** Whether an address is not one of the public internet: private, loopback, shared, reserved. */
export function isPrivate(address: string): boolean {
  if (!ipaddr.isValid(address)) return true;
  const parsed = ipaddr.process(address);
  // Behind NAT64 (RFC 6052) every IPv4 address looks like this one.
  if (parsed instanceof ipaddr.IPv6 && parsed.range() === 'rfc6052') {
    return new ipaddr.IPv4(parsed.toByteArray().slice(12)).range() !== 'unicast';
  }
  return parsed.range() !== 'unicast';
}

/** As WHATWG URL has normalized it (`0x7f.1` is 127.0.0.1), without brackets or the root's dot. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$|\.$/g, '');
}

function listed(list: BlockList, host: string): boolean {
  const version = isIP(host);
  return version !== 0 && list.check(host, version === 6 ? 'ipv6' : 'ipv4');
}
