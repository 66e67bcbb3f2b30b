import { domainToASCII } from 'node:url';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { SendingDomain } from '@rapport/contracts/rapport/mail/v1/relays_service';
import { queryRows } from '@rapport/persistence';
import { OutgoingError, type OutgoingHttp } from '../../outgoing-http/outgoing-http.js';
import { boundedLookups } from '../bounded-lookups.js';
import { checkDomain } from './check-dns.js';
import type { Relay } from './relay.entity.js';

/** Domains of a check. */
const maxDomains = 20;

/** Checks the DNS records of the domains that send by a relay. */
export class RelayDns {
  /** @param servers name servers, as `address:port`; those of the system if there are none */
  constructor(
    private readonly http: OutgoingHttp,
    private readonly servers: readonly string[],
  ) {}

  async check(em: EntityManager, relay: Relay): Promise<SendingDomain[]> {
    const found = await queryRows<{ domain: string; envelopeDomain: string }>(em, {
      sql: `select distinct split_part(address, '@', 2) as domain,
          coalesce(reply_domain, split_part(address, '@', 2)) as "envelopeDomain" from mailbox
        where tenant_id = $1 and relay_id = $2 order by 1, 2 limit ${maxDomains}`,
      values: [relay.tenantId, relay.id],
    });
    if (found.length === 0 && relay.dkim) {
      found.push({ domain: relay.dkim.domain, envelopeDomain: relay.dkim.domain });
    }
    const of = { dkim: relay.dkim, address: await this.#addressOf(relay.host) };
    return Promise.all(
      found.map(({ domain, envelopeDomain }) =>
        checkDomain(
          domainToASCII(domain),
          { ...of, envelopeDomain: domainToASCII(envelopeDomain) },
          boundedLookups(this.servers),
        ),
      ),
    );
  }

  async #addressOf(host: string): Promise<string | undefined> {
    try {
      return await this.http.addressOf(host);
    } catch (error) {
      if (error instanceof OutgoingError) return undefined;
      throw error;
    }
  }
}
