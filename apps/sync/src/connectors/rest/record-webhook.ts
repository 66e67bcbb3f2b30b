import { ConnectorError } from '../connector-error.js';
import type { VerifiedWebhook, WebhookDelivery, WebhookHint } from '../connector.js';
import { verifyStandardWebhook } from '../standard-webhook.js';
import type { RestConfiguration } from './rest-configuration.js';
import { idText } from './read-record.js';
import { parseExact, valueAt } from './exact-json.js';

const maxIds = 1_000;

export function verifyRecordWebhook(configuration: unknown, delivery: WebhookDelivery): VerifiedWebhook {
  // Validated when it was saved. Parsing a document here would take time that reveals whether the connection exists.
  const { webhookSecret } = configuration as Pick<RestConfiguration, 'webhookSecret'>;
  if (webhookSecret !== undefined) return verifyStandardWebhook(webhookSecret, delivery);
  throw new ConnectorError('UNSUPPORTED', 'This connection has no webhookSecret: it takes no webhooks.');
}

/** @throws ConnectorError INVALID when the body is not `{"recordType": "contacts", "ids": ["1"]}` */
export function parseRecordWebhook({ body }: WebhookDelivery): WebhookHint[] {
  const content = parseExact(Buffer.from(body).toString());
  const [recordType, list] = [valueAt(content, 'recordType'), valueAt(content, 'ids')];
  const ids = Array.isArray(list) ? list.map(idText) : [];
  const isRight = typeof recordType === 'string' && Array.isArray(list) && ids.length <= maxIds;
  if (!isRight || ids.includes(undefined)) {
    throw new ConnectorError('INVALID', 'The delivery does not name a recordType and ids of records.');
  }
  return ids.map((id = '') => ({ recordType, id }));
}
