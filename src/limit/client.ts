import type { IncomingMessage } from 'node:http';
import { type Address, formatAddress, parseAddress } from './address.ts';
import { compileNetworks } from './networks.ts';

/** Whom a request comes from, for the failure limit and the log. */
export interface Client {
  /**
   * The peer's address, or that of the client behind trusted proxies; canonical text (RFC 5952) without zone id,
   * IPv4-mapped addresses as IPv4. `unknown` once the socket has lost its peer.
   */
  readonly address: string;
  /** The peer's own address, whoever it speaks for. */
  readonly peer: string;
  /** Whether the peer itself is a trusted proxy, so that its `X-Forwarded-*` are believed. */
  readonly peerTrusted: boolean;
}

/**
 * Compiles the reading of a request's client. `X-Forwarded-For` is walked from its end, from the peer on, for as
 * long as the address reached is a trusted proxy's; an entry that is no address ends the walk at the last that was.
 *
 * @param trustedProxies networks in CIDR notation; empty: no header is looked at
 * @throws Error whose message is a plain sentence, for text that is no network
 */
export function compileClient(trustedProxies: readonly string[]): (request: IncomingMessage) => Client {
  const trusts = compileNetworks(trustedProxies);
  if (trustedProxies.length === 0) {
    return (request) => {
      const peer = peerAddress(request);
      return { address: peer, peer, peerTrusted: false };
    };
  }
  return (request) => {
    const peer = peerAddress(request);
    const parsed = parseAddress(peer);
    if (parsed === undefined || !trusts(parsed)) return { address: peer, peer, peerTrusted: false };
    const header = request.headers['x-forwarded-for'];
    return {
      address: header === undefined ? peer : walk(parsed, String(header), trusts),
      peer,
      peerTrusted: true,
    };
  };
}

/** The kernel's text is canonical already, so nothing is parsed for a request that comes straight from its client. */
function peerAddress(request: IncomingMessage): string {
  const text = request.socket.remoteAddress ?? 'unknown';
  const zone = text.indexOf('%');
  const address = zone < 0 ? text : text.slice(0, zone);
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice('::ffff:'.length) : address;
}

function walk(peer: Address, header: string, trusts: (address: Address) => boolean): string {
  let client = peer;
  let end = header.length;
  while (end >= 0 && trusts(client)) {
    const comma = header.lastIndexOf(',', end - 1);
    const next = parseEntry(header.slice(comma + 1, end).trim());
    if (next === undefined) break;
    client = next;
    end = comma;
  }
  return formatAddress(client);
}

/** Some proxies (Azure's for one) append the port: `192.0.2.1:1234`, `[2001:db8::1]:1234`. */
function parseEntry(entry: string): Address | undefined {
  const withPort = /^(?:\[([^\]]*)\]|([\d.]+))(?::\d{1,5})?$/.exec(entry);
  return parseAddress(withPort?.[1] ?? withPort?.[2] ?? entry);
}
