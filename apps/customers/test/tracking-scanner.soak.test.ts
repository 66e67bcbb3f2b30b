import { MessageEventKind, MessageEventVerdict } from '@rapport/contracts/rapport/marketing/v1/message_event';
import { isSoak, printedSeed, printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { expect, test } from 'vitest';
import { SeedRandom } from '../seed/seed-random.ts';
import { sharedMailCustomers } from './running-customers.js';
import { imageTokenOf, linkTokens, TrackingTenant, type Recipient } from './tracking-tenant.js';

const size = { mails: sizeOf('SCANNED_MAILS', { short: 20, long: 2_000 }), atOnce: 16 };

const urls = ['https://example.com/a', 'https://example.com/b', 'https://example.com/c'];

/** What a scanner fetches: all links of the HTML, of the text, or both; by GET, by HEAD, or both; in any order, some twice. */
function requestsOf(random: SeedRandom, { mail }: Recipient): { token: string; isHead: boolean; isImage?: boolean }[] {
  const part = random.pick(['HTML', 'TEXT', 'BOTH']);
  const verbs = random.pick([[false], [true], [true, false]]);
  const tokens = [...(part === 'TEXT' ? [] : linkTokens(mail.html)), ...(part === 'HTML' ? [] : linkTokens(mail.text))];
  const links = tokens.flatMap((token) => verbs.map((isHead) => ({ token, isHead })));
  const image = part === 'TEXT' ? [] : [{ token: imageTokenOf(mail), isHead: false, isImage: true }];
  const all = [...links, ...image].map((each) => ({ each, place: random.next() }));
  const ordered = all.toSorted((one, other) => one.place - other.place).map(({ each }) => each);
  return [...ordered, ...ordered.filter(() => random.chance(0.1))];
}

test(
  'a scanner that fetches all links of mails makes no human click, no touchpoint, and leaves no trace of itself',
  async () => {
    const random = new SeedRandom(printedSeed('tracking-scanner'));
    const service = await sharedMailCustomers();
    const tenant = await TrackingTenant.create(service);
    const count = 1 + random.below(urls.length);
    const linked = urls.slice(0, count);
    const html = `<body>${linked.map((url) => `<a href="${url}">A</a>`).join(' ')}</body>`;
    const recipients = await tenant.send({ html, text: linked.join(' ') }, linked, size.mails);
    const queue = recipients.flatMap((recipient) => requestsOf(random, recipient));
    const requests = queue.length;
    const work = async () => {
      for (let next = queue.shift(); next; next = queue.shift()) {
        await (next.isImage ? tenant.loadImage(next.token, next.isHead) : tenant.follow(next.token, next.isHead));
      }
    };
    await Promise.all(Array.from({ length: size.atOnce }, work));
    await tenant.endBursts();

    const counted = await tenant.asSuperuser((query) =>
      query<{ kind: string; verdict: string; count: string }>(
        'select kind, verdict, count(*) from message_event where tenant_id = $1 group by kind, verdict',
        [tenant.caller.tenantId],
      ),
    );
    const { HUMAN } = MessageEventVerdict;
    const humans = counted.filter(({ verdict }) => verdict === MessageEventVerdict[HUMAN]);
    printTally('scanner', {
      ...{ mails: size.mails, links: count, requests },
      ...Object.fromEntries(counted.map(({ kind, verdict, count: events }) => [`${kind} ${verdict}`, events])),
    });
    expect(humans).toEqual([]);
    expect(counted.some(({ kind }) => kind === MessageEventKind[MessageEventKind.CLICKED])).toBe(true);
    expect(await tenant.rowCount('touchpoint')).toBe(0);
  },
  isSoak ? soakTimeoutMs : 60_000,
);
