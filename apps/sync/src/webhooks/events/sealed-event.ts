import type { SecretEnvelope } from '../../storage/secret-envelope.js';
import type { WebhookEvent } from './webhook-event.js';

/** A stored event. The values of its record are sealed, since they contain personal data. */
export type SealedEvent = Omit<WebhookEvent, 'before' | 'after'> & {
  /** In PostgreSQL's form of bytea: `\\x` and hexadecimal. Null when there are none. */
  sealed_values: string | null;
};

export function sealEvent(
  envelope: SecretEnvelope,
  tenantId: string,
  { before, after, ...event }: WebhookEvent,
): SealedEvent {
  if (!before && !after) return { ...event, sealed_values: null };
  const sealed = envelope.seal(Buffer.from(JSON.stringify({ before, after })), eventOwner(tenantId, event.id));
  return { ...event, sealed_values: `\\x${sealed.toString('hex')}` };
}

export function openEvent(
  envelope: SecretEnvelope,
  tenantId: string,
  { sealed_values: sealed, ...event }: SealedEvent,
): WebhookEvent {
  if (sealed === null) return { ...event, before: null, after: null };
  const values = envelope.open(Buffer.from(sealed.slice('\\x'.length), 'hex'), eventOwner(tenantId, event.id));
  return { ...event, ...(JSON.parse(values.toString()) as Pick<WebhookEvent, 'before' | 'after'>) };
}

/** Owner of sealed values. */
function eventOwner(tenantId: string, id: string): string {
  return `webhook_event/${tenantId}/${id}`;
}
