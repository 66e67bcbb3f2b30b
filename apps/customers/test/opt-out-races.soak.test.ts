import { printedSeed, printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { expect, test } from 'vitest';
import { maxReceivers, mayReceive, recordSends } from '../src/domain/topics/may-receive.js';
import { SeedRandom } from '../seed/seed-random.ts';
import { readPage } from './public-pages.js';
import { sharedMailCustomers } from './running-customers.js';
import { testKey, tokenOf, TopicTenant } from './topic-tenant.js';

const size = {
  customers: sizeOf('OPT_OUTS', { short: 40, long: 1_000 }),
  workers: sizeOf('CLAIM_WORKERS', { short: 2, long: 4 }),
};

const service = await sharedMailCustomers();

test(
  'after the answer to an opt-out no claim has mail of the topic, however claims and opt-outs race',
  async () => {
    const random = new SeedRandom(printedSeed('opt-out-races'));
    const tenant = await TopicTenant.create(service);
    await tenant.createTopic();
    const customers: { customerId: string; address: string; token: string }[] = [];
    const subscribe = async (): Promise<void> => {
      const { id: customerId, address } = await tenant.createCustomer();
      await tenant.consent(customerId, 'GIVEN');
      const { unsubscribeUrl } = await tenant.links(customerId);
      customers.push({ customerId, address, token: tokenOf(unsubscribeUrl) });
    };
    for (let made = 0; made < size.customers; made += 8) {
      await Promise.all(Array.from({ length: Math.min(8, size.customers - made) }, subscribe));
    }
    const tally = { claims: 0, claimed: 0, refused: 0, afterAnswer: 0, optOuts: 0 };
    /** Places whose opt-out has been answered. */
    const answered = new Set<number>();
    let isRacing = true;

    /** Claims all that may receive, and holds its transaction for a random time before it commits. */
    const claim = async (): Promise<void> => {
      while (isRacing) {
        const known = new Set(answered);
        const from = random.below(Math.max(1, customers.length - maxReceivers + 1));
        const recipients = customers.slice(from, from + maxReceivers);
        const claimed = await tenant.write(async (transaction) => {
          const asked = { topicKey: 'newsletter', recipients, time: new Date() };
          const withheld = await mayReceive(transaction, testKey, asked);
          const places = recipients.flatMap((_, index) => (withheld.has(index) ? [] : [from + index]));
          tally.refused += withheld.size;
          const sends = places.map((place) => ({
            customerId: customers[place]!.customerId,
            sendId: crypto.randomUUID(),
          }));
          recordSends(transaction, { topicKey: 'newsletter', sends, time: new Date() });
          await transaction.rows({
            name: 'hold',
            sql: 'select pg_sleep($1::float8)',
            values: [random.below(30) / 1_000],
          });
          // What is answered while this transaction is open was answered before the claim is.
          const late = places.filter((place) => known.has(place) || answered.has(place));
          tally.afterAnswer += late.length;
          return places;
        });
        tally.claims += 1;
        tally.claimed += claimed.length;
      }
    };
    const workers = Array.from({ length: size.workers }, claim);
    const queue = customers.map((_, place) => place);
    const optOut = async (): Promise<void> => {
      while (queue.length > 0) {
        const [place = 0] = queue.splice(random.below(queue.length), 1);
        const form = { contentType: 'application/x-www-form-urlencoded', data: Buffer.from(''), extensions: [] };
        await readPage(service, 'unsubscribe', { token: customers[place]!.token, form });
        answered.add(place);
        tally.optOuts += 1;
      }
    };
    await Promise.all(Array.from({ length: 8 }, optOut));
    isRacing = false;
    await Promise.all(workers);

    printTally('opt-out-races', tally);
    expect(tally).toMatchObject({ optOuts: size.customers, afterAnswer: 0 });
    expect(tally.claimed).toBeGreaterThan(0);
  },
  soakTimeoutMs,
);
