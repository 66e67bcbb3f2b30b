import { Resolver } from 'node:dns/promises';
import type { DNSResolver } from 'mailauth';

/** Time limit of all lookups together, in milliseconds. */
const lookupMs = 8_000;

/** Lookups of a mail or a domain: SPF alone allows 10, and each signature has one. */
const maxLookups = 40;

/**
 * Queries DNS for one mail or one domain, within a number of lookups and a time.
 *
 * @param servers name servers, as `address:port`; those of the system by default
 */
export function boundedLookups(servers: readonly string[] = []): DNSResolver {
  const resolver = new Resolver({ timeout: 2_000, tries: 2 });
  if (servers.length > 0) resolver.setServers(servers);
  const endMs = Date.now() + lookupMs;
  let lookups = 0;
  return async (name, type) => {
    lookups += 1;
    const leftMs = endMs - Date.now();
    if (lookups > maxLookups || leftMs <= 0) throw failedLookup();
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(failedLookup()), leftMs);
    try {
      return (await Promise.race([resolver.resolve(name, type), promise])) as string[];
    } finally {
      clearTimeout(timer);
    }
  };
}

/** Results that need the lookup are `temperror`. */
function failedLookup(): Error {
  return Object.assign(new Error('The lookup takes too long.'), { code: 'ETIMEOUT' });
}
