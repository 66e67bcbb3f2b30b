import { ConnectorError } from '../connector-error.js';
import type { VerifiedWebhook, WebhookDelivery, WebhookHint } from '../connector.js';
import { verifyStandardWebhook } from '../standard-webhook.js';
import { rowId } from './row-id.js';
import { checkSqlConfiguration } from './sql-configuration.js';

/** Payload of an application's webhook: the table and ids of changed rows. */
interface RowsChanged {
  table: string;
  ids: (Id | Id[])[];
}

type Id = string | number;

const maxIds = 1_000;

export function verifyRowWebhook(configuration: unknown, delivery: WebhookDelivery): VerifiedWebhook {
  const { webhookSecret } = checkSqlConfiguration(configuration);
  if (webhookSecret !== undefined) return verifyStandardWebhook(webhookSecret, delivery);
  throw new ConnectorError('UNSUPPORTED', 'This connection has no webhookSecret: it takes no webhooks.');
}

/**
 * With several id columns, an id is the list of their values.
 *
 * @throws ConnectorError INVALID when the body is not `{"table": "people", "ids": ["1"]}`
 */
export function parseRowWebhook({ body }: WebhookDelivery): WebhookHint[] {
  const changed = parseJson(Buffer.from(body).toString());
  if (!isRowsChanged(changed))
    throw new ConnectorError('INVALID', 'The delivery does not name a table and ids of rows.');
  return changed.ids.map((id) => ({ recordType: changed.table, id: rowId([id].flat().map(String)) }));
}

function isRowsChanged(value: unknown): value is RowsChanged {
  const { table, ids } = (value ?? {}) as Partial<RowsChanged>;
  const isOne = (id: unknown) => typeof id === 'string' || Number.isSafeInteger(id);
  const isId = (id: unknown) => isOne(id) || (Array.isArray(id) && id.length > 0 && id.every(isOne));
  return typeof table === 'string' && Array.isArray(ids) && ids.length <= maxIds && ids.every(isId);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
