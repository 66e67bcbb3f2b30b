import {
  printTally,
  ScriptedRelay,
  sizeOf,
  soakTimeoutMs,
  startDovecot,
  startMailman,
  startPostfix,
  type Dovecot,
  type Mailman,
  type Platform,
  type Postfix,
} from '@rapport/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startSyncPlatform } from '../sync-platform.ts';
import { until } from '../until.ts';
import { TenantMailbox } from './tenant-mailbox.ts';

const name = 'Mail loops';
/** A round trip through four mail servers takes seconds: the long form alone has it. */
const days = sizeOf('DAYS', { short: 0, long: 7 });

/** Rounds of a day, which are equally far apart. Each sender writes in each. */
const roundsPerDay = 3;

/** How far the clock of the second platform is ahead of the first, in hours. */
const otherAheadHours = 11;

const support = 'support@kestrel.invalid';
/** A person whose server answers each mail by Sieve (RFC 5230), however often. */
const ada = 'ada@away.invalid';
/**
 * A person whose server answers each sender once a day by Sieve, as its clock says. Each message has an envelope sender
 * of its own (VERP), which it takes for another sender.
 */
const grace = 'grace@leave.invalid';
/** A program that answers each mail by a new one, and marks none of them as automatic. */
const robot = 'robot@dumb.invalid';

/** A sender whose server refuses all mail. */
const gone = 'gone@gone.invalid';
/** The workspace of a second platform, which answers automatically too. Its mails lose on their way what marks them as automatic, and so do those to it. */
const osprey = 'help@osprey.invalid';

/** A list of Mailman, whose members are the first workspace and Ada. */
const list = 'users@lists.invalid';

/** Gets what Postfix relays, and what Sieve and Mailman send. */
let relay: ScriptedRelay;
let mailman: Mailman;
let postfix: Postfix;
let dovecot: Dovecot;
/** Each has databases, processes, keys and a clock of its own. */
let platforms: [Platform, Platform];
beforeAll(async () => {
  if (days === 0) return;
  platforms = [await startSyncPlatform(), await startSyncPlatform()];
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
  for (const platform of platforms) await platform.stop();
});

/** The mails between two platforms that answer new tickets automatically, and those that answer all mails or none. */
class MailWorld {
  readonly #arrived = new Map<TenantMailbox, number>();
  #routed = 0;
  #written = 0;
  #hours = 0;
  /** Answers of Sieve, by whom they are from. */
  readonly vacations = new Map<string, number>();
  bounces = 0;
  /** Hours at which automatic answers left, by their sender and recipient. */
  readonly answers = new Map<string, number[]>();
  /** Mails of Mailman, by recipient: it welcomes each member. */
  readonly ofList = { expected: 2, routed: 0 };

  private constructor(
    readonly mailbox: TenantMailbox,
    readonly other: TenantMailbox,
  ) {}

  static async create(): Promise<MailWorld> {
    const create = async (platform: Platform, address: string) => {
      const mailbox = await TenantMailbox.create(platform, { dovecot, relayPort: postfix.port, address });
      await mailbox.answerAutomatically();
      return mailbox;
    };
    const world = new MailWorld(await create(platforms[0], support), await create(platforms[1], osprey));
    await world.#setClocks();
    for (const [address, period] of [
      [ada, ':seconds 0'],
      [grace, ':days 1'],
    ] as const) {
      const script = `require ["vacation", "vacation-seconds"];
        vacation ${period} :addresses ["${address}"] :from "${address}" "I am away.";`;
      await dovecot.setScript(world.#userOf(address), script);
    }
    return world;
  }

  #userOf(address: string): string {
    return `${address.split('@')[0]}-${this.mailbox.id}`;
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

  /** The hours at which automatic answers of an address to another one left. */
  answersTo(to: string, from = support): number[] {
    return this.answers.get(`${from} ${to}`) ?? [];
  }

  /** Lets the time between two rounds pass. */
  async nextRound(): Promise<void> {
    this.#hours += 24 / roundsPerDay;
    await this.#setClocks();
  }

  /** Services take what is due by the clock of their database. */
  async #setClocks(): Promise<void> {
    const sql = `insert into clock_shift values (make_interval(hours => $1))
      on conflict ((true)) do update set shift = excluded.shift`;
    await this.mailbox.tenant.query(sql, [this.#hours], 'customers');
    await this.other.tenant.query(sql, [this.#hours + otherAheadHours], 'customers');
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
      for (const address of to) {
        this.#count(address, content);
        await this.#pass(address, from, content);
      }
    }
  }

  #count(address: string, content: string): void {
    const headers = content.slice(0, content.indexOf('\r\n\r\n'));
    if (!/^Auto-Submitted: auto-replied/im.test(headers)) return;
    const line = /^From:.*/im.exec(headers)?.[0] ?? '';
    const author = [support, osprey, ada, grace].find((each) => line.includes(each));
    if (author === support || author === osprey) {
      const pair = `${author} ${address}`;
      this.answers.set(pair, [...(this.answers.get(pair) ?? []), this.#hours]);
    } else if (author !== undefined) {
      this.vacations.set(author, (this.vacations.get(author) ?? 0) + 1);
      const aheadMs = Date.parse(/^Date: (.*)/im.exec(headers)?.[1] ?? '') - Date.now();
      expect(aheadMs / 3_600_000).toBeCloseTo(this.#hours, 0);
    }
  }

  async #pass(address: string, from: string, content: string): Promise<void> {
    if (from === 'users-bounces@lists.invalid') this.ofList.routed += 1;
    if (address === ada || address === grace)
      return dovecot.deliver(this.#userOf(address), { from, to: address, aheadHours: this.#hours }, content);
    if (address === robot) return this.write(robot);
    if (address.endsWith('@lists.invalid')) return mailman.deliver({ from, to: address }, content);
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
  'vacation responders, a program and a second platform get one automatic answer a day each, one that bounces one in all, and a list none',
  { timeout: soakTimeoutMs },
  async () => {
    const world = await MailWorld.create();
    for (let day = 1; day <= days; day += 1) {
      await world.writeToList();
      await world.sendCommand();
      await world.settle();
      for (let round = 0; round < roundsPerDay; round += 1) {
        for (const from of [ada, grace, robot, gone]) await world.write(from);
        await world.writeFromOther();
        await world.settle();
        for (const address of round === 0 ? [ada, grace, gone] : [grace]) await world.answer(address);
        await world.settle();
        await world.nextRound();
      }
      for (const address of [ada, grace, robot, osprey]) expect(world.answersTo(address), address).toHaveLength(day);
      // The bounce of the first day suppresses the address. The relay has not taken the answer.
      const answered = (await world.mailbox.mails()).filter(({ automatic }) => automatic === 'REPLIED');
      expect(answered.filter(({ toAddresses }) => toAddresses.includes(gone))).toHaveLength(1);
      expect(world.answersTo(support, osprey)).toHaveLength(day);
      // The servers answer the agent, and no automatic answer (RFC 3834, section 2); that of Grace each time.
      expect([world.vacations.get(ada), world.vacations.get(grace)]).toEqual([day, roundsPerDay * day]);
      expect(world.bounces).toBe(day);
    }
    expect([...world.answers.keys()].filter((pair) => pair.includes('@lists.invalid'))).toEqual([]);
    const gaps = [...world.answers.values()].flatMap((hours) => hours.slice(1).map((hour, at) => hour - hours[at]!));
    expect(gaps.filter((gap) => gap < 24)).toEqual([]);

    const mails = await world.mailbox.mails();
    expect(mails.filter((mail) => mail.class === 'AUTO_REPLY')).toHaveLength((1 + roundsPerDay) * days);
    expect(mails.filter((mail) => mail.class === 'BOUNCE')).toHaveLength(days);
    const others = (await world.other.mails()).length;
    const automatic = [...world.answers.values()].flat().length;
    const vacations = [...world.vacations.values()].reduce((sum, count) => sum + count, 0);
    const tally = { automatic, vacations, bounces: world.bounces, ofList: world.ofList.routed };
    printTally(name, { days, mails: mails.length, others, relayed: relay.received.length, ...tally });
    world.close();
  },
);
