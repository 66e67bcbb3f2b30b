import {
  isSoak,
  mailClients,
  printTally,
  replyWith,
  ScriptedRelay,
  sharedPlatform,
  sizeOf,
  soakTimeoutMs,
  startDovecot,
} from '@rapport/testing';
import { expect, inject, test } from 'vitest';
import { until } from '../until.ts';
import { TenantMailbox, type Mail } from './tenant-mailbox.ts';

const name = 'Replies of clients';
/** Tickets by client. */
const tickets = sizeOf('CLIENT_TICKETS', { short: 0, long: 5 });

const support = 'support@kestrel.invalid';
const ada = 'ada@example.invalid';

/** What comes to the client of a customer: the mail as it was sent, or as a server leaves it that drops Reply-To. */
const deliveries = [(mail: string) => mail, (mail: string) => mail.replace(/^Reply-To:.*\r\n(?:[ \t].*\r\n)*/im, '')];

test.runIf(isSoak)(
  'what mutt, s-nail, nmh and mblaze reply to mails of tickets comes to the right tickets',
  { timeout: soakTimeoutMs },
  async () => {
    const relay = await ScriptedRelay.start();
    const dovecot = await startDovecot();
    const platform = await sharedPlatform(inject('platformUrl'));
    const mailbox = await TenantMailbox.create(platform, { dovecot, relayPort: relay.port, address: support });
    const tally: Record<string, number> = {};
    const received = async (count: number): Promise<Mail[]> => {
      let mails: Mail[] = [];
      await until(async () => {
        mails = (await mailbox.mails()).filter(({ direction, state }) => direction === 'IN' && state === 'THREADED');
        return mails.length === count;
      });
      return mails;
    };
    const clients = Array.from({ length: tickets }, () => mailClients).flat();
    for (const [index] of clients.entries()) {
      const headers = `From: ${ada}\r\nTo: ${support}\r\nMessage-ID: <${index}@example.invalid>\r\nSubject: Help`;
      await mailbox.arrive(`${headers}\r\n\r\nHelp.\r\n`, 'none');
    }
    const opened = await received(clients.length);
    for (const [turn, deliver] of deliveries.entries()) {
      const expected = new Map<string, string>();
      for (const [index, client] of clients.entries()) {
        const ticketId = opened.find(
          ({ internetMessageId }) => internetMessageId === `${index}@example.invalid`,
        )!.ticketId!;
        const sent = relay.received.length;
        await mailbox.tenant.ok('POST', `/v1/tickets/${ticketId}:reply`, { text: 'Which one do you mean? Grüße' });
        await until(async () => relay.received.length > sent);
        const mail = deliver(relay.received[sent]!.content);
        const text = `The one of ticket ${index}, turn ${turn}.`;
        expected.set(text, ticketId);
        await mailbox.arrive(await replyWith(client, { mail, address: ada, text }), 'none');
      }
      const replies = (await received(clients.length * (turn + 2))).slice(-clients.length);
      for (const { visibleText, ticketId, threadingRule } of replies) {
        const [text = ''] = /The one of ticket \d+, turn \d+\./.exec(String(visibleText)) ?? [];
        expect(ticketId, text).toBe(expected.get(text));
        tally[`${threadingRule} ${turn}`] = (tally[`${threadingRule} ${turn}`] ?? 0) + 1;
        expected.delete(text);
      }
      expect(expected.size).toBe(0);
    }
    printTally(name, { clients: mailClients.length, tickets: clients.length, ...tally });
    mailbox.close();
    await dovecot.stop();
    await relay.stop();
  },
);
