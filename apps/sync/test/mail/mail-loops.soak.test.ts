import {
  printTally,
  ScriptedRelay,
  sharedPlatform,
  sizeOf,
  soakTimeoutMs,
  startDovecot,
  type Dovecot,
} from '@rapport/testing';
import { ImapFlow } from 'imapflow';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { WebhookTenant } from '../sync-platform.ts';
import { until } from '../until.ts';

type Json = Record<string, unknown>;

interface Mail extends Json {
  id: string;
  direction: 'IN' | 'OUT';
  state: string;
  automatic?: string;
  class?: string;
  toAddresses: string[];
  ticketId?: string;
}

const name = 'Mail loops';
/** A round trip through four mail servers takes seconds: the long form alone has it. */
const days = sizeOf('DAYS', { short: 0, long: 7 });

const support = 'support@kestrel.invalid';
/** A person whose server answers each mail by Sieve (RFC 5230), however often. */
const ada = 'ada@away.invalid';
/** A program that answers each mail by a new one, and marks none of them as automatic. */
const robot = 'robot@dumb.invalid';

let relay: ScriptedRelay;
let dovecot: Dovecot;
beforeAll(async () => {
  if (days === 0) return;
  relay = await ScriptedRelay.start();
  dovecot = await startDovecot({ submissionPort: relay.port });
});
afterAll(async () => {
  if (days === 0) return;
  await dovecot.stop();
  await relay.stop();
});

/** The mails between a workspace that answers new tickets automatically, and two that answer all mails. */
class MailWorld {
  readonly #tenant: WebhookTenant;
  readonly #inbox: ImapFlow;
  readonly #ada: string;
  #arrived = 0;
  #routed = 0;
  #written = 0;
  vacations = 0;

  private constructor(tenant: WebhookTenant, inbox: ImapFlow) {
    this.#tenant = tenant;
    this.#inbox = inbox;
    this.#ada = `ada-${tenant.tenant.tenantId}`;
  }

  static async create(): Promise<MailWorld> {
    const tenant = await WebhookTenant.create(await sharedPlatform(inject('platformUrl')));
    const create = async (path: string, body: Json) => (await tenant.ok<{ id: string }>('POST', path, body)).id;
    const auth = { user: `support-${tenant.tenant.tenantId}`, pass: dovecot.password };
    const server = { host: '127.0.0.1', port: dovecot.port };
    const inbox = new ImapFlow({ ...server, secure: false, doSTARTTLS: false, auth, logger: false });
    await inbox.connect();
    const world = new MailWorld(tenant, inbox);
    const script = `require ["vacation", "vacation-seconds"];
      vacation :seconds 0 :addresses ["${ada}"] :from "${ada}" "I am away.";`;
    await dovecot.setScript(world.#ada, script);
    const smtp = { name: 'Relay', host: '127.0.0.1', port: relay.port, security: 'NONE' };
    const relayId = await create('/v1/relays', smtp);
    const credentials = { user: auth.user, password: auth.pass };
    const imap = { ...server, security: 'NONE', credentials };
    const authservId = 'mx.kestrel.invalid';
    const mailbox = { address: support, kind: 'IMAP', isDefault: true, imap, relayId, authservId };
    const mailboxId = await create('/v1/mailboxes', mailbox);
    const template = { key: 'received', name: 'Received', subject: 'We got it', body: 'We look into it.' };
    const autoReplyTemplateId = await create('/v1/templates', template);
    await tenant.ok('POST', `/v1/templates/${autoReplyTemplateId}:publish`);
    const queue = { key: 'mail', name: 'Mail', mailboxIds: [mailboxId], autoReplyTemplateId };
    // A new mailbox is known to queues a moment later.
    await until(async () => (await tenant.send('POST', '/v1/queues', queue)).status < 300);
    return world;
  }

  /** A person writes about something new. */
  async write(from: string): Promise<void> {
    this.#written += 1;
    const id = `<${this.#written}-${this.#tenant.tenant.tenantId}@${from.split('@')[1]}>`;
    await this.#arrive(`From: ${from}\r\nTo: ${support}\r\nMessage-ID: ${id}\r\nSubject: New ${id}\r\n\r\nHelp.\r\n`);
  }

  /** An agent answers the latest ticket of a customer. */
  async answer(address: string): Promise<void> {
    const mails = await this.mails();
    const last = mails.findLast(({ fromAddress, ticketId }) => fromAddress === address && ticketId !== undefined);
    await this.#tenant.ok('POST', `/v1/tickets/${last!.ticketId}:reply`, { text: 'Which one do you mean?' });
  }

  /** Delivers what is on its way until nothing is. */
  async settle(): Promise<void> {
    await until(async () => {
      await this.#route();
      const mails = await this.mails();
      const [received, sent] = ['IN', 'OUT'].map((direction) => mails.filter((mail) => mail.direction === direction));
      return (
        received!.length === this.#arrived &&
        received!.every(({ state }) => state === 'THREADED' || state === 'FILED') &&
        sent!.every(({ state }) => state === 'HANDED_OVER') &&
        this.#routed === relay.received.length &&
        this.#routed === sent!.length + this.vacations
      );
    });
  }

  /** Lets a day pass for automatic answers. */
  async nextDay(): Promise<void> {
    const sql = `update auto_reply set time = time - interval '24 hours' where tenant_id = $1`;
    await this.#tenant.query(sql, [this.#tenant.tenant.tenantId], 'customers');
  }

  async mails(): Promise<Mail[]> {
    const path = '/v1/messages?orderBy=createTime&pageSize=200';
    return (await this.#tenant.ok<{ messages: Mail[] }>('GET', path)).messages;
  }

  close(): void {
    this.#inbox.close();
  }

  async #route(): Promise<void> {
    for (; this.#routed < relay.received.length; this.#routed += 1) {
      const { from, to, content } = relay.received[this.#routed]!;
      if (to.includes(ada)) await dovecot.deliver(this.#ada, { from, to: ada }, content);
      else if (to.includes(robot)) await this.write(robot);
      else {
        this.vacations += 1;
        await this.#arrive(content);
      }
    }
  }

  /** The server of the mailbox has checked the sender. */
  async #arrive(content: string): Promise<void> {
    this.#arrived += 1;
    await this.#inbox.append('INBOX', `Authentication-Results: mx.kestrel.invalid; dmarc=pass\r\n${content}`);
  }
}

test.runIf(days > 0)(
  'a vacation responder and a program that answers each mail get one automatic answer a day each',
  { timeout: soakTimeoutMs },
  async () => {
    const world = await MailWorld.create();
    const answersTo = async (address: string) =>
      (await world.mails()).filter(
        ({ direction, automatic, toAddresses }) =>
          direction === 'OUT' && automatic === 'REPLIED' && toAddresses.includes(address),
      ).length;
    for (let day = 1; day <= days; day += 1) {
      for (let count = 0; count < 3; count += 1) {
        await world.write(ada);
        await world.write(robot);
        await world.settle();
      }
      await world.answer(ada);
      await world.settle();
      expect(await answersTo(ada)).toBe(day);
      expect(await answersTo(robot)).toBe(day);
      // The server of Ada answers the agent, and no automatic answer (RFC 3834, section 2).
      expect(world.vacations).toBe(day);
      await world.nextDay();
    }
    const mails = await world.mails();
    expect(mails.filter((mail) => mail.class === 'AUTO_REPLY')).toHaveLength(days);
    printTally(name, { days, mails: mails.length, vacations: world.vacations, automatic: 2 * days });
    world.close();
  },
);
