import {
  printTally,
  ScriptedRelay,
  sharedPlatform,
  sizeOf,
  soakTimeoutMs,
  startDovecot,
  startMailman,
  startPostfix,
  type Dovecot,
  type Mailman,
  type Postfix,
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

/** A sender whose server refuses all mail. */
const gone = 'gone@gone.invalid';
/** A second workspace that answers automatically. Its mails lose on their way what marks them as automatic, and so do those to it. */
const osprey = 'help@osprey.invalid';

/** A list of Mailman, whose members are the first workspace and Ada. */
const list = 'users@lists.invalid';

/** Gets what Postfix relays, and what Sieve and Mailman send. */
let relay: ScriptedRelay;
let mailman: Mailman;
let postfix: Postfix;
let dovecot: Dovecot;
beforeAll(async () => {
  if (days === 0) return;
  relay = await ScriptedRelay.start();
  relay.script = (moment, { to }) =>
    moment === 'RCPT' && to.includes(gone) ? { code: 550, text: '5.1.1 No such person here' } : undefined;
  postfix = await startPostfix(relay.port);
  dovecot = await startDovecot({ submissionPort: relay.port });
  mailman = await startMailman({ smtpPort: relay.port, list, members: [support, ada] });
});
afterAll(async () => {
  if (days === 0) return;
  await mailman.stop();
  await dovecot.stop();
  await postfix.stop();
  await relay.stop();
});

/** The mails between two workspaces that answer new tickets automatically, and those that answer all mails or none. */
class MailWorld {
  readonly #arrived = new Map<TenantMailbox, number>();
  #routed = 0;
  #written = 0;
  vacations = 0;
  bounces = 0;
  /** Mails of Mailman, by recipient: it welcomes each member. */
  readonly ofList = { expected: 2, routed: 0 };

  private constructor(
    readonly mailbox: TenantMailbox,
    readonly other: TenantMailbox,
  ) {}

  static async create(): Promise<MailWorld> {
    const platform = await sharedPlatform(inject('platformUrl'));
    const create = async (address: string) => {
      const mailbox = await TenantMailbox.create(platform, { dovecot, relayPort: postfix.port, address });
      await mailbox.answerAutomatically();
      return mailbox;
    };
    const world = new MailWorld(await create(support), await create(osprey));
    const script = `require ["vacation", "vacation-seconds"];
      vacation :seconds 0 :addresses ["${ada}"] :from "${ada}" "I am away.";`;
    await dovecot.setScript(world.#ada, script);
    return world;
  }

  get #ada(): string {
    return `ada-${this.mailbox.id}`;
  }

  /** A person writes about something new. */
  async write(from: string): Promise<void> {
    this.#written += 1;
    const id = `<${this.#written}-${this.mailbox.id}@${from.split('@')[1]}>`;
    const headers = `From: ${from}\r\nTo: ${support}\r\nMessage-ID: ${id}\r\nSubject: New ${id}`;
    await this.#arrive(this.mailbox, `${headers}\r\n\r\nHelp.\r\n`);
  }

  /** A user of the other workspace writes about something new. */
  async writeFromOther(): Promise<void> {
    const outgoing = { to: [support], subject: 'An invoice', text: 'Is it right?' };
    await this.other.tenant.ok('POST', '/v1/messages:send', outgoing);
  }

  /** Ada writes to the list. Mailman sends it to all members. */
  async writeToList(): Promise<void> {
    this.#written += 1;
    this.ofList.expected += 2;
    const id = `<${this.#written}-${this.mailbox.id}@away.invalid>`;
    const headers = `From: ${ada}\r\nTo: ${list}\r\nMessage-ID: ${id}\r\nSubject: News ${id}`;
    await mailman.deliver({ from: ada, to: list }, `${headers}\r\n\r\nNews.\r\n`);
  }

  /** The workspace sends a command to Mailman, which answers it. */
  async sendCommand(): Promise<void> {
    this.ofList.expected += 1;
    const outgoing = { to: ['users-request@lists.invalid'], subject: 'help', text: 'help' };
    await this.mailbox.tenant.ok('POST', '/v1/messages:send', outgoing);
  }

  /** An agent answers the latest ticket of a customer. */
  async answer(address: string): Promise<void> {
    const mails = await this.mailbox.mails();
    const last = mails.findLast(({ fromAddress, ticketId }) => fromAddress === address && ticketId !== undefined);
    await this.mailbox.tenant.ok('POST', `/v1/tickets/${last!.ticketId}:reply`, { text: 'Which one do you mean?' });
  }

  /** Delivers what is on its way until nothing is. */
  async settle(): Promise<void> {
    await until(async () => {
      await this.#route();
      const isSettled = await Promise.all([this.#isSettled(this.mailbox), this.#isSettled(this.other)]);
      const { expected, routed } = this.ofList;
      return isSettled.every(Boolean) && this.#routed === relay.received.length && routed === expected;
    });
  }

  /** Automatic answers of a workspace to an address. */
  async answersTo(address: string, mailbox = this.mailbox): Promise<number> {
    const isAnswer = ({ direction, automatic, toAddresses }: Mail) =>
      direction === 'OUT' && automatic === 'REPLIED' && toAddresses.includes(address);
    return (await mailbox.mails()).filter(isAnswer).length;
  }

  /** Lets a day pass for automatic answers. */
  async nextDay(): Promise<void> {
    await this.mailbox.letDayPass();
    await this.other.letDayPass();
  }

  close(): void {
    this.mailbox.close();
    this.other.close();
  }

  async #isSettled(mailbox: TenantMailbox): Promise<boolean> {
    const mails = await mailbox.mails();
    const received = mails.filter(({ direction }) => direction === 'IN');
    if (received.length !== (this.#arrived.get(mailbox) ?? 0)) return false;
    if (!received.every(({ state }) => state === 'THREADED' || state === 'FILED')) return false;
    return mails
      .filter(({ direction }) => direction === 'OUT')
      .every(({ state, toAddresses, automatic, internetMessageId = '' }) => {
        // An automatic answer comes from nobody, so that its bounce goes nowhere.
        if (toAddresses.includes(gone)) return state === (automatic === undefined ? 'BOUNCED' : 'HANDED_OVER');
        return state === 'HANDED_OVER' && relay.received.some(({ content }) => content.includes(internetMessageId));
      });
  }

  async #route(): Promise<void> {
    for (; this.#routed < relay.received.length; this.#routed += 1) {
      const { from, to, content } = relay.received[this.#routed]!;
      for (const address of to) await this.#pass(address, from, content);
    }
  }

  async #pass(address: string, from: string, content: string): Promise<void> {
    if (from === 'users-bounces@lists.invalid') this.ofList.routed += 1;
    if (address === ada) return dovecot.deliver(this.#ada, { from, to: ada }, content);
    if (address === robot) return this.write(robot);
    if (address.endsWith('@lists.invalid')) return mailman.deliver({ from, to: address }, content);
    if (/^Auto-Submitted: auto-replied \(vacation\)/m.test(content)) this.vacations += 1;
    if (/report-type=delivery-status/i.test(content)) this.bounces += 1;
    await this.#deliver(address, from, content);
  }

  /** The server of a mailbox adds the envelope. */
  async #deliver(address: string, from: string, content: string): Promise<void> {
    const mailbox = address.endsWith('@osprey.invalid') ? this.other : this.mailbox;
    const isBetween = mailbox === this.other || content.includes(osprey);
    const mail = isBetween
      ? content.replaceAll(/^(?:Auto-Submitted|Precedence|X-Auto-Response-Suppress):.*\r\n/gim, '')
      : content;
    const sender = isBetween && from === '' ? 'relay@relay.invalid' : from;
    await this.#arrive(mailbox, `Return-Path: <${sender}>\r\nDelivered-To: ${address}\r\n${mail}`);
  }

  async #arrive(mailbox: TenantMailbox, content: string): Promise<void> {
    this.#arrived.set(mailbox, (this.#arrived.get(mailbox) ?? 0) + 1);
    await mailbox.arrive(content);
  }
}

test.runIf(days > 0)(
  'a vacation responder, a program and a second Rapport get one automatic answer a day each, one that bounces one in all, and a list none',
  { timeout: soakTimeoutMs },
  async () => {
    const world = await MailWorld.create();
    for (let day = 1; day <= days; day += 1) {
      await world.writeToList();
      await world.sendCommand();
      await world.settle();
      for (let count = 0; count < 3; count += 1) {
        for (const from of [ada, robot, gone]) await world.write(from);
        await world.writeFromOther();
        await world.settle();
      }
      for (const address of [ada, gone]) await world.answer(address);
      await world.settle();
      for (const address of [ada, robot, osprey]) expect(await world.answersTo(address), address).toBe(day);
      // The bounce of the first day suppresses the address.
      expect(await world.answersTo(gone)).toBe(1);
      expect(await world.answersTo(support, world.other)).toBe(day);
      const answered = (await world.mailbox.mails()).filter(({ automatic }) => automatic === 'REPLIED');
      expect(answered.filter(({ toAddresses }) => toAddresses.some((to) => to.endsWith('@lists.invalid')))).toEqual([]);
      // The server of Ada answers the agent, and no automatic answer (RFC 3834, section 2).
      expect([world.vacations, world.bounces]).toEqual([day, day]);
      await world.nextDay();
    }
    const mails = await world.mailbox.mails();
    expect(mails.filter((mail) => mail.class === 'AUTO_REPLY')).toHaveLength(days);
    expect(mails.filter((mail) => mail.class === 'BOUNCE')).toHaveLength(days);
    const others = (await world.other.mails()).length;
    const { vacations, bounces, ofList } = world;
    const tally = { vacations, bounces, ofList: ofList.routed, automatic: 4 * days + 1 };
    printTally(name, { days, mails: mails.length, others, ...tally });
    world.close();
  },
);
