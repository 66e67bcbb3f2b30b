import {
  drawnBy,
  printedSeed,
  printTally,
  ScriptedRelay,
  sizeOf,
  soakTimeoutMs,
  type Platform,
} from '@rapport/testing';
import { expect, test } from 'vitest';
import { copiesOf, MailTenant, type SentMessage } from './mail-tenant.ts';

const messages = sizeOf('MAIL_MESSAGES', { short: 40, long: 2_000 });
const kills = sizeOf('MAIL_KILLS', { short: 1, long: 20 });
const digests = sizeOf('MAIL_DIGESTS', { short: 10, long: 500 });
const maxConnections = 4;
const cuts = sizeOf('MAIL_CUTS', { short: 4, long: 200 });

/** Users whose digests wait to be sent. @returns their addresses */
async function queueDigests({ api, mailboxId }: MailTenant): Promise<string[]> {
  const { tenantId } = api.tenant;
  const user = { email: `${crypto.randomUUID()}@example.net`, displayName: 'Bo', roleIds: ['member'] };
  const { id } = await api.ok<{ id: string }>('POST', '/v1/users', user);
  const users = await api.query<{ id: string; email: string }>(
    `insert into user_account select (jsonb_populate_record(user_account,
         jsonb_build_object('id', gen_random_uuid(), 'email', n || '-' || email, 'state', 'ACTIVE'))).*
       from user_account cross join generate_series(1, $3::int) n where tenant_id = $1 and id = $2 returning id, email`,
    [tenantId, id, digests],
    'auth',
  );
  await api.query(
    `with users as (select unnest($2::uuid[]) as id),
       inbox as (insert into notification_inbox (tenant_id, user_id, last_position, digest_hour) select $1, id, 1, 8 from users),
       job as (insert into mail_job (tenant_id, message_id, kind, mailbox_id) select $1, id, 'DIGEST', $3 from users)
     insert into notification (tenant_id, id, user_id, position, kind, cause, time, record_type, record_id)
     select $1, gen_random_uuid(), id, 1, 'ASSIGNED', 'task', now(), 'task', gen_random_uuid() from users`,
    [tenantId, users.map((each) => each.id), mailboxId],
    'customers',
  );
  return users.map(({ email }) => email);
}

/** Declares the test of messages amid kills of sync, on a platform whose sync is killed. */
export function declareSendingAmidKills(platformOf: () => Platform): void {
  test(
    'kill -9 of sync and cuts of the relay at each verb: no message or digest is sent twice, and each message has its state',
    { timeout: soakTimeoutMs },
    async () => {
      const platform = platformOf();
      const relay = await ScriptedRelay.start();
      const tenant = await MailTenant.create(platform, relay, { maxConnections });
      // Of the moments of all messages; the relay does its worst early, so that the test ends.
      const cutAt = new Set(drawnBy(printedSeed('sending-amid-kills'), [...Array(messages * 3).keys()], cuts));
      let moment = 0;
      relay.script = () => (cutAt.has((moment += 1)) ? 'CUT' : undefined);
      const readers = await queueDigests(tenant);
      for (let sent = 0; sent < messages; sent += 20) {
        const some = Array.from({ length: Math.min(20, messages - sent) }, (_, at) =>
          tenant.send({ subject: `Mail ${sent + at}` }),
        );
        await Promise.all(some);
      }
      for (let kill = 1; kill <= kills; kill += 1) {
        const enough = Math.ceil((messages * kill) / (kills + 2));
        await expect.poll(() => relay.received.length, { timeout: soakTimeoutMs }).toBeGreaterThanOrEqual(enough);
        await platform.services.sync.kill();
        await platform.services.sync.start();
      }
      const states = async () => Object.groupBy(await tenant.messages(), ({ state }) => state);
      const count = async (state: string) => (await states())[state]?.length ?? 0;
      await expect.poll(() => count('QUEUED'), { timeout: soakTimeoutMs, interval: 250 }).toBe(0);
      // Until the leases of the killed processes end.
      const claimed = await count('CLAIMED');
      await tenant.endLeases();
      await expect.poll(() => count('CLAIMED'), { timeout: soakTimeoutMs, interval: 250 }).toBe(0);

      const jobs = 'select from mail_job where tenant_id = $1';
      const waiting = () => tenant.api.query(jobs, [tenant.api.tenant.tenantId], 'customers');
      await expect.poll(waiting, { timeout: soakTimeoutMs, interval: 250 }).toEqual([]);

      const ended: Partial<Record<string, SentMessage[]>> = await states();
      const got = copiesOf(relay.received);
      expect([...got.values()].filter((times) => times > 1)).toEqual([]);
      const toReaders = relay.received.flatMap(({ to }) => to).filter((address) => readers.includes(address));
      expect(new Set(toReaders).size).toBe(toReaders.length);
      expect(Object.keys(ended).filter((state) => !['HANDED_OVER', 'UNKNOWN'].includes(state))).toEqual([]);
      const accepted = new Set(copiesOf(relay.accepted).keys());
      for (const { internetMessageId } of ended['HANDED_OVER'] ?? []) expect(accepted).toContain(internetMessageId);
      const all = [...(ended['HANDED_OVER'] ?? []), ...(ended['UNKNOWN'] ?? [])];
      expect(all).toHaveLength(messages);
      const [handedOver, unknown] = [ended['HANDED_OVER']?.length ?? 0, ended['UNKNOWN']?.length ?? 0];
      // Those of the claims at the kills, three for each connection, and those whose connection was cut.
      expect(unknown).toBeLessThanOrEqual(kills * 3 * maxConnections + cuts);
      const tally = { messages, kills, cuts, claimed, handedOver, unknown, digests, read: toReaders.length };
      printTally('sending-amid-kills', tally);
      await relay.stop();
    },
  );
}
