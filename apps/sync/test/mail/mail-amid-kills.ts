import { isSoak, printTally, sizeOf, soakTimeoutMs, startCyrus, startDovecot, type Platform } from '@rapport/testing';
import { ImapFlow } from 'imapflow';
import { expect, test } from 'vitest';
import { WebhookTenant } from '../sync-platform.ts';
import { until } from '../until.ts';
import { ApiMailbox, checked } from './api-mailbox.ts';

const mails = sizeOf('KILL_MAILS', { short: 20, long: 2_000 });
const kills = sizeOf('MAIL_KILLS', { short: 1, long: 50 });

/** `npm test` needs no Cyrus. */
const servers = [['Dovecot', startDovecot], ...(isSoak ? ([['Cyrus', startCyrus]] as const) : [])] as const;

/** @param platform of the file, whose sync is killed */
export function declareMailAmidKills(platform: () => Platform): void {
  test.each(servers)(
    'kill -9 of sync amid the intake of a mailbox of %s loses no mail, and stores none twice',
    { timeout: soakTimeoutMs },
    async (serverName, start) => {
      const imapServer = await start();
      const tenant = await WebhookTenant.create(platform());
      const auth = { user: 'support', pass: imapServer.password };
      const server = { host: '127.0.0.1', port: imapServer.port };
      const client = new ImapFlow({ ...server, secure: false, doSTARTTLS: false, auth, logger: false });
      await client.connect();
      const credentials = { user: auth.user, password: auth.pass };
      const imap = { ...server, security: 'NONE', credentials };
      const body = { address: 'support@kestrel.invalid', kind: 'IMAP', imap };
      const { id } = await tenant.ok<{ id: string }>('POST', '/v1/mailboxes', body);

      const { sync } = platform().services;
      for (let kill = 0; kill < kills; kill += 1) {
        for (let each = 0; each < mails / kills; each += 1) {
          // Few Message-IDs: many mails share one.
          const headers = `From: a@example.invalid\r\nMessage-ID: <${each % 3}@example.invalid>`;
          await client.append('INBOX', `${headers}\r\nSubject: ${kill}/${each}\r\n\r\nHello\r\n`);
        }
        await sync.kill();
        // The lease of the killed process ends.
        await tenant.query(`update mailbox_turn set lease_time = 'epoch' where mailbox_id = $1`, [id]);
        await sync.start();
      }
      const reconciled = async () => {
        const answer = await tenant.send('POST', `/v1/mailboxes/${id}:reconcile`, { checkContent: true });
        return answer.body['equal'] === true;
      };
      await expect.poll(reconciled, { timeout: soakTimeoutMs, interval: 500 }).toBe(true);
      const stored = await tenant.query(
        'select from message where tenant_id = $1 and mailbox_id = $2',
        [tenant.tenant.tenantId, id],
        'customers',
      );

      expect(stored).toHaveLength(Math.ceil(mails / kills) * kills);
      printTally(`mail-amid-kills of ${serverName}`, { mails, kills, stored: stored.length });
      client.close();
      await imapServer.stop();
    },
  );

  test('a mail that sync was killed over, stored and without an answer, is stored once when it is repeated', async () => {
    const tenant = await WebhookTenant.create(platform());
    const box = await ApiMailbox.create(tenant, 'support@kestrel.invalid');
    const raw = `From: a@example.invalid\r\n${checked}\r\nSubject: Once\r\n\r\nHello\r\n`;
    const { sync } = platform().services;
    const stored = async () =>
      (await tenant.query('select from message where tenant_id = $1', [tenant.tenant.tenantId], 'customers')).length;
    const holder = await tenant.connect('customers');
    await holder.query('begin');
    await holder.query('lock table mail_place in exclusive mode');
    const lost = box.receive('killed', raw);
    const waits = `select from pg_locks where relation = 'mail_place'::regclass and not granted`;
    await until(async () => (await tenant.query(waits, [], 'customers')).length > 0);
    // Customers stores the mail for a sync that does not hear of it.
    process.kill(sync.pid!, 'SIGSTOP');
    await holder.query('commit');
    await holder.end();
    await until(async () => (await stored()) === 1);
    await sync.kill();
    await sync.start();
    const repeated = await box.settled('killed', raw);

    expect((await lost).status).toBeGreaterThanOrEqual(500);
    expect(repeated).toMatchObject({ created: false, state: 'THREADED' });
    expect(await stored()).toBe(1);
  });
}
