import { MessageActionsServiceService } from '@rapport/contracts/rapport/content/v1/message_actions_service';
import { MessageClass, type Message } from '@rapport/contracts/rapport/content/v1/message';
import { v7 } from 'uuid';
import { beforeEach, expect, test } from 'vitest';
import { MailTenant, outgoingMessage } from './mail-tenant.js';
import { sharedMailCustomers } from './running-customers.js';

const service = await sharedMailCustomers();
let mail: MailTenant;

beforeEach(async () => {
  mail = await MailTenant.create(service);
});

/** Sends as the step `send` of a run does. */
async function sendAsStep(to: readonly string[], runId = v7()): Promise<Message> {
  const context = { ...service.outgoing(mail.caller), cause: { origin: 'flow', causationId: runId, hop: 1 } };
  const requestId = `${runId}:steps/0`;
  const request = { outgoing: outgoingMessage({ to: [...to] }), requestId };
  const options = { context, deadlineMs: 20_000 };
  return (await service.streams.unary(MessageActionsServiceService.sendMessage.path, request, options)) as Message;
}

const robot = 'robot@dumb.example';
const limited = { reason: 'AUTOMATIC_REPLY_LIMIT' };

/** The messages of a flow to an address, after each of which it writes as given. @returns how many it got before it got none */
async function exchanged(answer: (sent: Message) => Promise<unknown>, to = [robot]): Promise<number> {
  for (let count = 0; count < 30; count += 1) {
    const sent = await sendAsStep(to).catch((error: unknown) => error);
    if (sent instanceof Error) {
      expect(sent).toMatchObject(limited);
      return count;
    }
    await answer(sent as Message);
  }
  return 30;
}

test('a flow that sends a message for each one, and a program that answers each, end after ten answers', async () => {
  expect(await exchanged(() => mail.receive({ fromAddress: 'Robot@dumb.example' }))).toBe(11);

  await expect(sendAsStep(['ada@example.com', robot])).rejects.toMatchObject(limited);
  await sendAsStep(['ada@example.com']);
  await mail.send({ to: [robot] });
  const superuser = await service.connectAsSuperuser();
  const sql = `update auto_reply set reply_times[10] = reply_times[10] - interval '1 day'
    where tenant_id = $1 and cardinality(reply_times) = 10`;
  await superuser.query(sql, [mail.tenantId]);
  await superuser.end();
  await sendAsStep([robot]);
  await mail.receive({ fromAddress: robot });
  await expect(sendAsStep([robot])).rejects.toMatchObject(limited);
});

test('a program that answers from another address, and a server that reports each message, are bound likewise', async () => {
  const answered = await exchanged(({ internetMessageId }) =>
    mail.receive({ fromAddress: `${v7()}@dumb.example`, inReplyTo: internetMessageId }),
  );
  await mail.claim(100);
  const reported = await exchanged(
    async ({ id }) => {
      const [claimed] = await mail.claim(1);
      expect(claimed?.message?.id).toBe(id);
      const toAddresses = [claimed!.envelopeFrom];
      await mail.receive({ fromAddress: 'mailer-daemon@dumb.example', class: MessageClass.BOUNCE, toAddresses });
    },
    ['eve@dumb.example'],
  );

  expect([answered, reported]).toEqual([11, 11]);
});

test('an address that does not write gets any number of messages of flows', async () => {
  await mail.receive({ fromAddress: 'eve@example.com' });

  expect(await exchanged(() => mail.receive({ fromAddress: 'eve@example.com' }), ['team@example.com'])).toBe(30);
});

test('a step that is repeated after a lost answer counts once', async () => {
  await sendAsStep([robot]);
  for (let count = 0; count < 10; count += 1) {
    await mail.receive({ fromAddress: robot });
    const runId = v7();
    const first = await sendAsStep([robot], runId);
    expect((await sendAsStep([robot], runId)).id).toBe(first.id);
  }

  await mail.receive({ fromAddress: robot });
  await expect(sendAsStep([robot])).rejects.toMatchObject(limited);
});
