import { lookup as lookUpLocally, Resolver } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import { isPrivateAddress } from './private-addresses.js';

/** Resolves a host name. @throws Error when it has no address */
export type Resolve = (name: string) => Promise<string[]>;

/** The only error for a host that must not be called. */
export class PrivateAddressError extends Error {
  constructor() {
    super('The host has an address that must not be called.');
  }
}

/**
 * Whether the host of a URL is a private address. URL has normalised it: `0x7f.1` is 127.0.0.1 by then. Host names are
 * checked when they are resolved for a connection.
 */
export function namesPrivateAddress({ hostname }: URL): boolean {
  const address = hostname.replace(/^\[(.*)\]$/, '$1');
  return isIP(address) !== 0 && isPrivateAddress(address);
}

/**
 * The `lookup` of `connect`: connections go to the addresses that this returns and no others, so a later change of DNS
 * has no effect. One private address makes the whole name forbidden.
 *
 * @param allowed hosts that may be called at any address
 */
export function checkedLookup(allowed: ReadonlySet<string>, resolve?: Resolve): LookupFunction {
  return (hostname, { all }, callback) => {
    checkedAddresses(hostname, allowed, resolve).then(
      (addresses) => {
        const found = addresses.map((address) => ({ address, family: isIP(address) }));
        if (all) callback(null, found);
        else callback(null, found[0]?.address ?? '', found[0]?.family);
      },
      (error: unknown) => callback(error as Error, []),
    );
  };
}

/**
 * The addresses of a host to connect to.
 *
 * @throws PrivateAddressError when one of them is private
 */
export async function checkedAddresses(
  name: string,
  allowed: ReadonlySet<string>,
  resolve: Resolve = resolvePublicly,
): Promise<string[]> {
  if (allowed.has(name)) return (await lookUpLocally(name, { all: true })).map(({ address }) => address);
  const addresses = isIP(name) === 0 ? await resolve(name) : [name];
  if (addresses.length === 0 || addresses.some(isPrivateAddress)) throw new PrivateAddressError();
  return addresses;
}

/** Queries DNS directly: callers must not reach hosts of `/etc/hosts` or of the network's search domains. */
async function resolvePublicly(name: string): Promise<string[]> {
  // One resolver per lookup, which waits for no other, unlike the four threads of getaddrinfo.
  const resolver = new Resolver({ timeout: 2_000, tries: 2 });
  const [ipv4, ipv6] = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
  const found = [ipv4, ipv6].flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  if (found.length === 0 && ipv4.status === 'rejected') throw ipv4.reason as Error;
  return found;
}
