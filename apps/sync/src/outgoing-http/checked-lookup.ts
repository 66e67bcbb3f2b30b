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

/** Which hosts may be called, whatever their addresses are. */
export class AllowedHosts {
  readonly #hosts: ReadonlySet<string>;

  /** @param hosts names and IP addresses as URLs have them, such as `127.0.0.1` or `[::1]` */
  constructor(hosts: readonly string[]) {
    this.#hosts = new Set(hosts.map((host) => host.toLowerCase()));
  }

  /** @param host `hostname` of a URL */
  has(host: string): boolean {
    return this.#hosts.has(host);
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
 */
export function checkedLookup(allowed: AllowedHosts, resolve: Resolve): LookupFunction {
  return (hostname, { all }, callback) => {
    addressesOf(hostname, allowed, resolve).then(
      (addresses) => {
        const found = addresses.map((address) => ({ address, family: isIP(address) }));
        if (all) callback(null, found);
        else callback(null, found[0]?.address ?? '', found[0]?.family);
      },
      (error: unknown) => callback(error as Error, []),
    );
  };
}

async function addressesOf(name: string, allowed: AllowedHosts, resolve: Resolve): Promise<string[]> {
  if (allowed.has(name)) return (await lookUpLocally(name, { all: true })).map(({ address }) => address);
  const addresses = await resolve(name);
  if (addresses.length === 0 || addresses.some(isInnerAddress)) throw new InnerAddressError();
  return addresses;
}

/** Asks DNS itself: neither the hosts of this machine nor the search domains of its network are for others to name. */
export async function resolvePublicly(name: string): Promise<string[]> {
  // One for each lookup: it waits for no other, as the four threads of getaddrinfo would make it.
  const resolver = new Resolver({ timeout: 2_000, tries: 2 });
  const [ipv4, ipv6] = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
  const found = [ipv4, ipv6].flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  if (found.length === 0 && ipv4.status === 'rejected') throw ipv4.reason as Error;
  return found;
}
