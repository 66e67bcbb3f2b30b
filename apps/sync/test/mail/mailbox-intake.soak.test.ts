import { createHash } from 'node:crypto';
import {
  isSoak,
  printedSeed,
  printTally,
  sizeOf,
  soakTimeoutMs,
  startCyrus,
  startDovecot,
  type ImapServer,
} from '@rapport/testing';
import type { ImapFlow } from 'imapflow';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createSyncDatabase } from '../sync-databases.ts';
import { Chance } from './hostile-mails.ts';
import type { Cut } from './memory-store.ts';
import { MailReading, TestMailbox } from './test-mailbox.ts';

const name = 'Mailbox intake';
const rounds = sizeOf('ROUNDS', { short: 20, long: 2_000 });

/** `npm test` needs no Cyrus. */
const servers = [['Dovecot', startDovecot], ...(isSoak ? ([['Cyrus', startCyrus]] as const) : [])] as const;

let reading: MailReading;
beforeAll(async () => {
  reading = new MailReading(await createSyncDatabase());
});
afterAll(async () => {
  await reading.close();
});

/** Another client, and what it knows of the mails. */
class OtherClient {
  readonly tally = { appended: 0, twins: 0, removed: 0, moved: 0, flagged: 0, renumbered: 0, cut: 0 };
  /** How often each mail was appended, by hash. */
  readonly appended = new Map<string, number>();
  /** Hashes of mails that were removed or moved: they may have gone before they were read. */
  readonly gone = new Set<string>();
  #last = '';

  constructor(
    private readonly server: ImapServer,
    private readonly box: TestMailbox,
    private readonly chance: Chance,
  ) {}

  async act(): Promise<void> {
    const client = await this.box.client();
    try {
      for (let left = 1 + this.chance.below(6); left > 0; left -= 1) await this.#append(client);
      const lock = await client.getMailboxLock('INBOX');
      const act = this.chance.below(6);
      if (act === 0) await this.#remove(client);
      else if (act === 1) await this.#move(client);
      else if (act === 2) await this.#flag(client);
      lock.release();
    } finally {
      client.close();
    }
    if (this.chance.below(8) === 0) {
      await this.server.renumber(this.box.user);
      this.tally.renumbered += 1;
    }
  }

  async #append(client: ImapFlow): Promise<void> {
    const isTwin = this.chance.below(5) === 0 && this.#last !== '';
    // Few Message-IDs: many mails share one.
    const id = `Message-ID: <${this.chance.below(3)}@example.invalid>`;
    const body = 'x'.repeat(this.chance.below(3_000));
    const text = isTwin
      ? this.#last
      : `From: a@example.invalid\r\n${id}\r\nX-N: ${this.tally.appended}\r\n\r\n${body}\r\n`;
    this.#last = text;
    await client.append('INBOX', text, this.chance.below(2) === 0 ? ['\\Seen'] : []);
    const hash = digest(Buffer.from(text));
    this.appended.set(hash, (this.appended.get(hash) ?? 0) + 1);
    this.tally.appended += 1;
    if (isTwin) this.tally.twins += 1;
  }

  async #remove(client: ImapFlow): Promise<void> {
    const uid = await this.#draw(client);
    if (uid === undefined) return;
    await client.messageDelete(String(uid), { uid: true });
    this.tally.removed += 1;
  }

  async #move(client: ImapFlow): Promise<void> {
    const uid = await this.#draw(client);
    if (uid === undefined) return;
    await client.messageMove(String(uid), 'Done', { uid: true });
    this.tally.moved += 1;
  }

  async #flag(client: ImapFlow): Promise<void> {
    await client.messageFlagsAdd('1:*', ['\\Seen', '\\Flagged']);
    this.tally.flagged += 1;
  }

  /** A mail of the folder, which is about to leave it. */
  async #draw(client: ImapFlow): Promise<number | undefined> {
    const uids = await client.search({ all: true }, { uid: true });
    if (!uids || uids.length === 0) return undefined;
    const uid = this.chance.one(uids);
    const found = await client.fetchOne(String(uid), { source: true }, { uid: true });
    if (found && found.source) this.gone.add(digest(found.source));
    return uid;
  }
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

test.each(servers)(
  'no mail of %s is lost or stored twice amid cuts, other clients, twins and renumbering',
  { timeout: soakTimeoutMs },
  async (serverName, start) => {
    const chance = new Chance(printedSeed(name));
    const server = await start();
    const box = await TestMailbox.create(reading, server);
    const creator = await box.client();
    await creator.mailboxCreate('Done');
    creator.close();
    const other = new OtherClient(server, box, chance);
    for (let round = 0; round < rounds; round += 1) {
      await other.act();
      let cut: Cut | undefined = chance.one(['BEFORE', 'AFTER', undefined]);
      box.store.cut = () => {
        const now = cut;
        cut = undefined;
        if (now) other.tally.cut += 1;
        return now;
      };
      const failure = await box.read().then(
        () => undefined,
        (error: unknown) => error as Error,
      );
      if (failure) expect(failure.message).toMatch('cut');
    }
    box.store.cut = () => undefined;
    await box.read();

    const reconciled = await box.reconcile();
    printTally(`${name} of ${serverName}`, { rounds, ...other.tally, stored: box.store.mails.size });
    expect(reconciled).toMatchObject({ equal: true, folders: [{ missing: [], different: [] }] });
    const stored = new Map<string, number>();
    for (const hash of box.store.mails.values()) stored.set(hash, (stored.get(hash) ?? 0) + 1);
    for (const [hash, count] of other.appended) {
      if (other.gone.has(hash)) expect(stored.get(hash) ?? 0).toBeLessThanOrEqual(count);
      else expect(stored.get(hash)).toBe(count);
    }
    await server.stop();
  },
);
