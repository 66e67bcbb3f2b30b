import { Resolver } from 'node:dns/promises';
import type { MessageAuthentication } from '@rapport/contracts/rapport/content/v1/message';
import { authenticate, type DNSResolver } from 'mailauth';

/** Time limit of all lookups of a mail together, in milliseconds. */
const lookupMs = 8_000;

/** Lookups of a mail: SPF alone allows 10, and each signature has one. */
const maxLookups = 40;

/** How the sender of a mail is authenticated. */
export interface AuthenticationRules {
  /** The mail server whose results are trusted. Without it, they are computed. */
  authservId?: string | undefined;
  /** Resolves names; DNS by default. */
  resolver?: DNSResolver;
}

/**
 * Results of SPF, DKIM, DMARC and ARC for a mail. SPF takes the client from the first Received header, which the server
 * of the mailbox has added.
 *
 * @param results values of the Authentication-Results headers, in the order of the mail
 */
export async function authenticateSender(
  raw: Buffer,
  results: readonly string[],
  { authservId, resolver = publicResolver() }: AuthenticationRules,
): Promise<MessageAuthentication> {
  const trusted = authservId === undefined ? undefined : statedResults(results, authservId);
  if (trusted) return trusted;
  const { dkim, spf, dmarc, arc } = await authenticate(raw, {
    ...{ trustReceived: true, disableBimi: true, mta: 'rapport', resolver },
  });
  const signatures = dkim.results.map(({ status }) => status.result);
  return {
    spf: spf ? spf.status.result : 'none',
    dkim: signatures.includes('pass') ? 'pass' : (signatures[0] ?? 'none'),
    dmarc: dmarc ? dmarc.status.result : 'none',
    arc: arc ? arc.status.result : 'none',
  };
}

/** What a trusted server says (RFC 8601). It removes headers in its name that others have added. */
function statedResults(results: readonly string[], authservId: string): MessageAuthentication | undefined {
  for (const value of results) {
    const [server = '', ...parts] = value.split(';');
    if (server.trim().split(/\s/)[0]?.toLowerCase() !== authservId.toLowerCase()) continue;
    const of = (method: string) => {
      const found = parts.flatMap((part) => {
        const [, name, result] = /^\s*([a-z]+)\s*=\s*([a-z]+)/i.exec(part) ?? [];
        return name?.toLowerCase() === method && result ? [result.toLowerCase()] : [];
      });
      return found.includes('pass') ? 'pass' : (found[0] ?? 'none');
    };
    return { spf: of('spf'), dkim: of('dkim'), dmarc: of('dmarc'), arc: of('arc') };
  }
  return undefined;
}

/** Queries DNS within the limits of one mail. */
function publicResolver(): DNSResolver {
  const resolver = new Resolver({ timeout: 2_000, tries: 2 });
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
