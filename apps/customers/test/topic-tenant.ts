import { randomBytes } from 'node:crypto';
import type { EntityManager } from '@mikro-orm/postgresql';
import { ConsentState, ContactChannel, LegalBasis } from '@rapport/contracts/rapport/customers/v1/consents_service';
import { Topic } from '@rapport/contracts/rapport/marketing/v1/topic';
import { createOrm, inTenantSession, StatementTransaction, withConnection } from '@rapport/persistence';
import { callContext } from '@rapport/platform';
import { v7 } from 'uuid';
import { entities } from '../src/database.js';
import { SuppressionKey } from '../src/domain/suppressions/suppression-key.js';
import { linkIssuer, recipientLinks, type RecipientLinks } from '../src/domain/topics/recipient-links.js';
import { MailTenant } from './mail-tenant.js';
import { person, type SharedCustomers } from './running-customers.js';

/** Of suppressions that tests make without a service. */
export const testKey = new SuppressionKey(randomBytes(32));

/** A tenant of its own with a mailbox and topics. */
export class TopicTenant {
  private constructor(
    readonly service: SharedCustomers,
    readonly mail: MailTenant,
    private readonly em: EntityManager,
  ) {}

  /** @param service takes its callers for sync */
  static async create(service: SharedCustomers): Promise<TopicTenant> {
    orm ??= createOrm({ databaseUrl: service.urls.appUrl, entities });
    return new TopicTenant(service, await MailTenant.create(service), orm.em);
  }

  get caller() {
    return this.mail.caller;
  }

  get tenantId(): string {
    return this.caller.tenantId;
  }

  createTopic(given: Partial<Topic> = {}): Promise<Topic> {
    return this.service.call('createTopic', { topic: newTopic(given) }, this.caller);
  }

  async createCustomer(address = `${v7()}@example.com`): Promise<{ id: string; address: string }> {
    const { id } = await this.service.create(this.caller, person({ emails: [{ address }] as never }));
    return { id, address };
  }

  /** Records a consent by e-mail. */
  consent(customerId: string, state: 'GIVEN' | 'WITHDRAWN', purpose = 'newsletter') {
    const consent = {
      ...{ purpose, channel: ContactChannel.EMAIL, state: ConsentState[state], legalBasis: LegalBasis.CONSENT },
      ...{ source: 'test', id: '', customerId: '', createdBy: '', time: undefined, createTime: undefined },
      evidence: undefined,
    };
    return this.service.call('createConsent', { customerId, consent }, this.caller);
  }

  /** The consents of a customer in force, by purpose. */
  async consents(customerId: string) {
    const request = { customerId, currentOnly: true };
    const { consents } = await this.service.call('listConsents', request, this.caller);
    return Object.fromEntries(consents.map(({ purpose, state }) => [purpose, ConsentState[state]]));
  }

  /** Works in one transaction, as the mail service of the tenant does. */
  write<Answer>(work: (transaction: StatementTransaction) => Promise<Answer>): Promise<Answer> {
    const caller = { tenantId: this.tenantId, principalId: 'service:mail', permissions: [] };
    return callContext.run({ requestId: v7(), caller, cause: { origin: 'mail' } }, () =>
      inTenantSession(this.em, () =>
        withConnection(this.em, async (client) => {
          const transaction = new StatementTransaction(client);
          const answer = await work(transaction);
          await transaction.commit();
          return answer;
        }),
      ),
    );
  }

  async links(customerId: string, topicKey = 'newsletter', recipientId = v7()): Promise<RecipientLinks> {
    const issuer = await this.write((transaction) => linkIssuer(transaction, 'https://crm.example'));
    return recipientLinks(issuer, { customerId, topicKey, recipientId });
  }
}

let orm: ReturnType<typeof createOrm> | undefined;

/** A topic as a request has it. */
export function newTopic(given: Partial<Topic> = {}): Topic {
  return { ...Topic.decode(new Uint8Array()), key: 'newsletter', name: 'Monthly newsletter', ...given };
}

/** The token of a link. */
export function tokenOf(url: string): string {
  return url.slice(url.lastIndexOf('/') + 1);
}
