import { networkInterfaces } from 'node:os';
import ipaddr from 'ipaddr.js';
import type { Checked, Finding } from './finding.ts';
import { parseUrl } from './formats.ts';
import type { Path } from './path.ts';
import type { Config } from './schema.ts';

interface Port {
  readonly host: string | null;
  readonly port: number;
  readonly path: Path;
  readonly says: string;
}

/** Upstreams that are a port of this process: a request would be forwarded to itself until every connection is taken. */
export function checkLoops({ listen, admin, upstream, upstreams }: Config): Checked {
  const ports: Port[] = [
    { ...listen, path: ['listen'], says: 'this gateway itself: a request would come back for ever' },
    { ...admin, path: ['admin'], says: "this gateway's own admin port" },
  ];
  const named = [
    { path: ['upstream'] as Path, url: upstream.url },
    ...Object.entries(upstreams).map(([name, { url }]) => ({ path: ['upstreams', name] as Path, url })),
  ];
  const faults = named.flatMap(({ path, url }): Finding[] => {
    const target = parseUrl(url);
    const own = ports.find((port) => target !== null && isOwn(target, port));
    if (own === undefined) return [];
    const [section] = own.path;
    return [
      {
        path,
        message: `is ${own.says}`,
        hint: `it must not be ${section}.port (${own.port}) of this machine`,
        restsOn: [
          [...own.path, 'port'],
          [...own.path, 'host'],
          [...path, 'url'],
        ],
      },
    ];
  });
  return { faults, warnings: [] };
}

function isOwn(target: URL, { host, port }: Port): boolean {
  const wanted = Number(target.port || (target.protocol === 'https:' ? 443 : 80));
  if (port === 0 || wanted !== port) return false;
  const dialed = addressesOf(target.hostname.replace(/^\[|\]$|\.$/g, '')).map(
    // Who dials "any address" reaches loopback.
    (address) => ({ '0.0.0.0': '127.0.0.1', '::': '::1' })[address] ?? address,
  );
  if (host === null) return dialed.some(isLocal);
  const listening = addressesOf(host);
  // On every address of its family.
  if (listening.some((address) => address === '0.0.0.0' || address === '::')) {
    return dialed.some((address) => isLocal(address) && (host === '::' || !address.includes(':')));
  }
  return dialed.some((address) => listening.includes(address));
}

/** Addresses that a host means on this machine, canonical; none for a name that only a resolver knows. */
function addressesOf(host: string): string[] {
  const name = host.toLowerCase();
  if (name === 'localhost' || name.endsWith('.localhost')) return ['127.0.0.1', '::1'];
  if (!ipaddr.isValid(name)) return [];
  const address = ipaddr.process(name).toString();
  return [address];
}

/** Loopback, or an address of an interface of this machine. */
function isLocal(address: string): boolean {
  if (ipaddr.parse(address).range() === 'loopback') return true;
  return Object.values(networkInterfaces())
    .flat()
    .some(
      (each) => each !== undefined && ipaddr.process(each.address.replace(/%.*$/, '')).toString() === address,
    );
}
