import { MessageState } from '@rapport/contracts/rapport/content/v1/message';
import { beforeEach, describe, expect, test } from 'vitest';
import { MailTenant } from './mail-tenant.js';
import { newTemplate } from './new-template.js';
import { sharedMailCustomers } from './running-customers.js';
import { TicketTenant } from './ticket-tenant.js';

const service = await sharedMailCustomers();
let mail: MailTenant;
let tenant: TicketTenant;

beforeEach(async () => {
  mail = await MailTenant.create(service);
  tenant = new TicketTenant(service, mail.caller);
});

describe('a reply by mail', () => {
  const queued = async (id: string) => {
    const { messages } = await service.call('listMessages', { filter: `ticketId = ${id}` }, tenant.caller);
    return messages;
  };

  test('goes to the requester and the addresses in copy, as a message of the entry', async () => {
    const requester = await tenant.createRequester();
    const { emails } = await service.call('getCustomer', { id: requester }, tenant.caller);
    const { id } = await tenant.createTicket(requester, {
      mailboxId: mail.mailboxId,
      ccAddresses: ['bob@example.com'],
    });

    const { entry } = await tenant.reply(id, { html: '<p onclick="x()">It is <b>fixed</b>.<script>x()</script></p>' });
    expect(entry?.html).toBe('<p>It is <b>fixed</b>.</p>');
    expect(await queued(id)).toMatchObject([
      {
        ...{ id: entry?.messageId, toAddresses: [emails[0]?.address], ccAddresses: ['bob@example.com'] },
        ...{
          subject: 'Re: [#1] The export stops',
          text: 'It is fixed.',
          html: entry?.html,
          state: MessageState.QUEUED,
        },
      },
    ]);
  });

  test('has at most 500 elements within each other', async () => {
    const { id } = await tenant.createTicket(await tenant.createRequester());

    await expect(tenant.reply(id, { html: '<b>'.repeat(501) })).rejects.toMatchObject({
      violations: [{ field: 'reply.html', reason: 'TOO_DEEP' }],
    });
    const { entry } = await tenant.reply(id, { html: `${'<b>x</b>'.repeat(501)}${'<i>'.repeat(500)}` });
    expect(entry?.html).toContain('<b>x</b>');
  });

  test('is sent for a ticket without a mailbox only to recipients that it names', async () => {
    const { id } = await tenant.createTicket(await tenant.createRequester());

    expect((await tenant.reply(id)).entry?.messageId).toBeUndefined();
    const { entry } = await tenant.reply(id, { to: ['eve@example.com'] });
    expect(await queued(id)).toMatchObject([{ id: entry?.messageId, toAddresses: ['eve@example.com'] }]);
  });

  test('of a program reaches an address ten times in 24 hours, and of a person each time', async () => {
    const { id } = await tenant.createTicket(await tenant.createRequester(), { mailboxId: mail.mailboxId });
    const limited = { reason: 'AUTOMATIC_REPLY_LIMIT' };
    for (let count = 0; count < 10; count += 1) await tenant.reply(id, { automatic: true });

    await expect(tenant.reply(id, { automatic: true })).rejects.toMatchObject(limited);
    expect(await tenant.entriesOf({ id })).toHaveLength(10);
    await tenant.reply(id);
    await tenant.reply(id, { automatic: true, to: ['eve@example.com', 'Eve@example.com'] });
    const superuser = await service.connectAsSuperuser();
    const sql = `update auto_reply set reply_times[10] = reply_times[10] - interval '1 day' where tenant_id = $1`;
    await superuser.query(sql, [mail.tenantId]);
    await superuser.end();
    await tenant.reply(id, { automatic: true });
    await expect(tenant.reply(id, { automatic: true })).rejects.toMatchObject(limited);
  });

  test('needs a mailbox that can send', async () => {
    const requester = await tenant.createRequester();
    const created = await tenant.createTicket(requester, { mailboxId: crypto.randomUUID() });

    await expect(tenant.reply(created.id)).rejects.toMatchObject({
      violations: [{ field: 'ticket.mailboxId', reason: 'MAILBOX_UNKNOWN' }],
    });
    expect(await tenant.entriesOf(created)).toEqual([]);
  });

  test('can be made by a template, from the ticket and its requester', async () => {
    const { id: templateId } = await service.call(
      'createTemplate',
      { template: newTemplate({ body: 'Dear {{ customer.displayName }}' }) },
      tenant.caller,
    );
    const { id } = await tenant.createTicket(await tenant.createRequester());

    await expect(tenant.reply(id, { templateId })).rejects.toMatchObject({
      violations: [{ field: 'reply.templateId', reason: 'CONFLICTING_FIELDS' }],
    });
    await service.call('publishTemplate', { id: templateId }, tenant.caller);
    const { entry } = await tenant.reply(id, { templateId, text: undefined });
    expect(entry?.text).toBe('Dear Ada Lovelace');
  });
});
