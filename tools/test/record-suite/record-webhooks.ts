import { maskText } from '@rapport/contracts';
import type { SharedPlatform } from '@rapport/testing';
import { expect, it, type TestContext } from 'vitest';
import type { ApiClient } from '../api-client.ts';
import { readPermissions, type RecordSubject } from './record-subjects.ts';
import { RecordTenant, type Json } from './record-tenant.ts';
import { WebhookReceiver } from './webhook-receiver.ts';

/** Webhooks about records of every type. */
export function recordWebhooks(platform: () => SharedPlatform, subject: RecordSubject): void {
  const { type, text, record } = subject;
  const webhooks = ['webhooks.read', 'webhooks.write'];
  const eventTypes = [`${type}.*`];

  async function endpoint(tenant: RecordTenant, by: ApiClient, { onTestFinished }: TestContext) {
    const receiver = await WebhookReceiver.start();
    onTestFinished(() => receiver.stop());
    const body = { url: receiver.url, eventTypes, payload: 'FULL' };
    const { secret } = await tenant.post('webhookEndpoints', body, by);
    return { receiver, events: () => receiver.verified(String(secret)) };
  }

  it('each change of a record is sent, signed, with its values, and without hidden personal data', async (context) => {
    const tenant = await RecordTenant.create(platform(), subject);
    const discreet = await tenant.withKey({ permissions: [...readPermissions, ...webhooks], hidesPii: true });
    const [open, closed] = [
      await endpoint(tenant, tenant.writer, context),
      await endpoint(tenant, discreet.writer, context),
    ];
    const content = tenant.content('Zaphodine');
    const created = await tenant.post(subject.collection, content);
    const path = tenant.path(created.id);
    await tenant.ok('PATCH', path, { [text.name]: 'Trilliane' });
    await tenant.ok('DELETE', path);
    await tenant.ok('POST', `${path}:undelete`);

    for (const { receiver } of [open, closed]) {
      await expect.poll(() => receiver.bodies.length, { timeout: 60_000 }).toBe(4);
    }
    const event = (verb: string, version: number, data: Json) => ({
      ...{ type: `${type}.${verb}`, data: { recordType: type, recordId: created.id, version, ...data } },
    });
    const changedFields = [...(subject.derived === undefined ? [] : [subject.derived]), text.name];
    const events = (shown: (value: string) => Json) => [
      event('created', 1, { after: { ...content, ...shown('Zaphodine') } }),
      event('updated', 2, { changedFields, before: shown('Zaphodine'), after: shown('Trilliane') }),
      event('deleted', 3, { changedFields: ['deleteTime'], before: { deleteTime: null } }),
      event('undeleted', 4, { after: { ...content, ...shown('Trilliane') } }),
    ];
    expect(open.events()).toMatchObject(events((value) => ({ [text.name]: value })));
    const hidden = (value: string) => ({ [text.name]: text.isPersonal ? maskText : value });
    expect(closed.events()).toMatchObject(events(hidden));
    expect(closed.receiver.bodies.some((body) => /Zaphodine|Trilliane/.test(body))).toBe(!text.isPersonal);
  });

  it('an endpoint for records is refused to a caller that may not read them', async () => {
    const tenant = await RecordTenant.create(platform(), subject);
    const permission = `${record.permission}.read`;
    const others = readPermissions.filter((each) => each !== permission);
    const { writer } = await tenant.withKey({ permissions: [...others, ...webhooks] });

    expect(
      await writer.send('POST', '/v1/webhookEndpoints', { body: { url: 'https://a.example', eventTypes } }),
    ).toMatchObject({ status: 403, body: { code: 'PERMISSION_MISSING', metadata: { permission } } });
  });
}
