import type { EntityManager } from '@mikro-orm/postgresql';
import type { WebhookDelivery } from '@rapport/contracts/rapport/sync/v1/webhook_delivery';
import type { TestWebhookEndpointRequest } from '@rapport/contracts/rapport/sync/v1/webhook_endpoints_service';
import { transactionPipeline } from '@rapport/persistence';
import { v7 as uuidv7 } from 'uuid';
import type { SecretEnvelope } from '../../storage/secret-envelope.js';
import { deliveryColumns, deliveryMessage, type DeliveryRow } from '../deliveries/delivery-row.js';
import {
  insertDeliveries,
  newDelivery,
  readyOrderingKeys,
  type StoredEvent,
} from '../deliveries/delivery-statements.js';
import { insertEvents } from '../events/record-events.js';
import { checkEnabled } from '../events/replay-events.js';
import { platformEvent } from '../events/webhook-event.js';
import { testEvent } from './event-types.js';
import { findForChange } from './write-endpoint.js';

/** Handles TestWebhookEndpoint. Runs in a transaction. */
export async function sendTest(
  em: EntityManager,
  envelope: SecretEnvelope,
  { id }: TestWebhookEndpointRequest,
): Promise<WebhookDelivery> {
  const endpoint = await findForChange(em, id);
  checkEnabled(endpoint);
  const { tenantId } = endpoint;
  const event = platformEvent(uuidv7(), testEvent, { endpointId: id });
  const [[stored] = []] = (await transactionPipeline(em, insertEvents(envelope, tenantId, [event]))) as [StoredEvent[]];
  if (!stored) throw new Error('A test event was not stored.');
  const delivery = newDelivery(event, stored, id);
  const [, , [row]] = (await transactionPipeline(em, [
    insertDeliveries(tenantId, [delivery], false),
    readyOrderingKeys(tenantId, [delivery]),
    {
      sql: `select ${deliveryColumns} from webhook_delivery where tenant_id = $1 and id = $2`,
      values: [tenantId, delivery.id],
    },
  ])) as [unknown, unknown, [DeliveryRow]];
  return deliveryMessage(row, false);
}
