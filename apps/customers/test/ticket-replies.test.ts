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

  test('is sent for a ticket without a mailbox only to recipients that it names', async () => {
    const { id } = await tenant.createTicket(await tenant.createRequester());

    expect((await tenant.reply(id)).entry?.messageId).toBeUndefined();
    const { entry } = await tenant.reply(id, { to: ['eve@example.com'] });
    expect(await queued(id)).toMatchObject([{ id: entry?.messageId, toAddresses: ['eve@example.com'] }]);
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
