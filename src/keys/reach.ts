import { isIP, type LookupFunction } from 'node:net';
import { hostOf, isOffLimitsAddress, isPrivate } from './address.ts';

/** Whether a connection may go to an address. */
export type MayReach = (address: string) => boolean;

/**
 * Where the metadata of an issuer may lead: nowhere link-local or to a cloud's metadata service, and into a private
 * network only if the issuer's own host is in one. Else whoever writes the metadata could have requests sent to what
 * only this machine can reach.
 */
export async function reachOf(issuer: URL, lookup: LookupFunction): Promise<MayReach> {
  const host = hostOf(issuer);
  const own = isIP(host) !== 0 ? [host] : await resolve(host, lookup);
  const fromInside = own.length > 0 && own.every(isPrivate);
  return (address) => !isOffLimitsAddress(address) && (fromInside || !isPrivate(address));
}

/** A look-up that gives only the addresses that may be reached, so that what was looked at is what is dialed. */
export function guardLookup(lookup: LookupFunction, mayReach: MayReach): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, '');
      const addresses = [found].flat().filter((each) => typeof each !== 'string' && mayReach(each.address));
      const [first] = addresses as { address: string; family: number }[];
      if (first === undefined) return callback(new AddressNotAllowed(), '');
      if (options.all) callback(null, addresses as { address: string; family: number }[]);
      else callback(null, first.address, first.family);
    });
  };
}

/** Told apart by its code, as errors of the system are. */
export class AddressNotAllowed extends Error {
  readonly code = 'ADDRESS_NOT_ALLOWED';
}

function resolve(host: string, lookup: LookupFunction): Promise<string[]> {
  return new Promise((done) => {
    lookup(host, { all: true }, (error, found) => {
      const addresses = [found].flat().map((each) => (typeof each === 'string' ? each : each.address));
      done(error ? [] : addresses);
    });
  });
}
