import { isStorableText } from '@rapport/contracts';
import { invalidArgument, type AppError } from '@rapport/platform';
import { ConnectorError } from '../../connectors/connector-error.js';
import type { Connector, WebhookDelivery, WebhookHint } from '../../connectors/connector.js';

/** Maximum length of an id in characters. Any id of this length fits into an index of PostgreSQL. */
const maxIdLength = 500;

/**
 * The records that a webhook names, without duplicates.
 *
 * @throws AppError INVALID_ARGUMENT for a body that names none, or whose ids cannot be stored
 */
export function recordsOfHook(connector: Connector, messageId: string, delivery: WebhookDelivery): WebhookHint[] {
  if (!isStorableId(messageId)) throw malformed(`The id of the webhook must have 1 to ${maxIdLength} characters.`);
  const hints = parsed(connector, delivery);
  if (!hints.every(({ recordType, id }) => isStorableId(recordType) && isStorableId(id))) {
    throw malformed(`The id of a record must have 1 to ${maxIdLength} characters.`);
  }
  return [...new Map(hints.map((hint) => [JSON.stringify([hint.recordType, hint.id]), hint])).values()];
}

function parsed(connector: Connector, delivery: WebhookDelivery): WebhookHint[] {
  try {
    return connector.parseWebhook?.(delivery) ?? [];
  } catch (error) {
    throw error instanceof ConnectorError ? malformed(error.message) : error;
  }
}

function isStorableId(id: string): boolean {
  return id !== '' && id.length <= maxIdLength && isStorableText(id);
}

function malformed(description: string): AppError {
  return invalidArgument([{ field: 'body', reason: 'HOOK_MALFORMED', description }]);
}
