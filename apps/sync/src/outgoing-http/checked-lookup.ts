import { lookup as lookUpLocally, Resolver } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import { isInnerAddress } from './inner-addresses.js';

/** Finds the addresses of a name. @throws Error when it has none */
export type Resolve = (name: string) => Promise<string[]>;

/** The one error of a host that must not be called. */
export class InnerAddressError extends Error {
  constructor() {
    super('The host has an address that must not be called.');
  }
}

/**
 * Whether a URL names an inner address outright. URL has brought it into the one canonical spelling: `0x7f.1` is 127.0.0.1 by
 * then. What a name stands for is known when it is connected to.
 */
export function namesInnerAddress({ hostname }: URL): boolean {
  const address = hostname.replace(/^\[(.*)\]$/, '$1');
  return isIP(address) !== 0 && isInnerAddress(address);
}

/**
 * What `connect` looks names up with: it connects to the addresses that this gives and to no others, so that an answer of DNS
 * which changes later changes nothing. One inner address makes the whole name one that must not be called.
 *
 * @param allowed hosts that may be called whatever their addresses are
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
 * The addresses that a host may be connected to by.
 *
 * @throws InnerAddressError when one of them is inner
 */
export async function checkedAddresses(
  name: string,
  allowed: ReadonlySet<string>,
  resolve: Resolve = resolvePublicly,
): Promise<string[]> {
  if (allowed.has(name)) return (await lookUpLocally(name, { all: true })).map(({ address }) => address);
  const addresses = isIP(name) === 0 ? await resolve(name) : [name];
  if (addresses.length === 0 || addresses.some(isInnerAddress)) throw new InnerAddressError();
  return addresses;
}

/** Asks DNS itself: neither the hosts of this machine nor the search domains of its network are for others to name. */
async function resolvePublicly(name: string): Promise<string[]> {
  // One for each lookup: it waits for no other, as the four threads of getaddrinfo would make it.
  const resolver = new Resolver({ timeout: 2_000, tries: 2 });
  const [ipv4, ipv6] = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
  const found = [ipv4, ipv6].flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  if (found.length === 0 && ipv4.status === 'rejected') throw ipv4.reason as Error;
  return found;
}
