import {
  printTally,
  ScriptedRelay,
  sharedPlatform,
  sizeOf,
  soakTimeoutMs,
  startDovecot,
  type Dovecot,
} from '@rapport/testing';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { until } from '../until.ts';
import { TenantMailbox, type Mail } from './tenant-mailbox.ts';

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
  readonly #mailbox: TenantMailbox;
  readonly #ada: string;
  #arrived = 0;
  #routed = 0;
  #written = 0;
  vacations = 0;

  private constructor(mailbox: TenantMailbox) {
    this.#mailbox = mailbox;
    this.#ada = `ada-${mailbox.tenant.tenant.tenantId}`;
  }

  static async create(): Promise<MailWorld> {
    const platform = await sharedPlatform(inject('platformUrl'));
    const mailbox = await TenantMailbox.create(platform, { dovecot, relayPort: relay.port, address: support });
    await mailbox.answerAutomatically();
    const world = new MailWorld(mailbox);
    const script = `require ["vacation", "vacation-seconds"];
      vacation :seconds 0 :addresses ["${ada}"] :from "${ada}" "I am away.";`;
    await dovecot.setScript(world.#ada, script);
    return world;
  }

  /** A person writes about something new. */
  async write(from: string): Promise<void> {
    this.#written += 1;
    const id = `<${this.#written}-${this.#mailbox.id}@${from.split('@')[1]}>`;
    await this.#arrive(`From: ${from}\r\nTo: ${support}\r\nMessage-ID: ${id}\r\nSubject: New ${id}\r\n\r\nHelp.\r\n`);
  }

  /** An agent answers the latest ticket of a customer. */
  async answer(address: string): Promise<void> {
    const mails = await this.mails();
    const last = mails.findLast(({ fromAddress, ticketId }) => fromAddress === address && ticketId !== undefined);
    await this.#mailbox.tenant.ok('POST', `/v1/tickets/${last!.ticketId}:reply`, { text: 'Which one do you mean?' });
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
  nextDay(): Promise<void> {
    return this.#mailbox.letDayPass();
  }

  mails(): Promise<Mail[]> {
    return this.#mailbox.mails();
  }

  close(): void {
    this.#mailbox.close();
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

  async #arrive(content: string): Promise<void> {
    this.#arrived += 1;
    await this.#mailbox.arrive(content);
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
