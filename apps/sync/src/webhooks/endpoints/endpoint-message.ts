import {
  WebhookDisableReason,
  WebhookEndpointState,
  WebhookPayload,
  type WebhookEndpoint as WebhookEndpointMessage,
} from '@rapport/contracts/rapport/sync/v1/webhook_endpoints_service';
import { formatEtag } from '@rapport/persistence';
import type { WebhookEndpoint } from './webhook-endpoint.entity.js';

/** @param secret only right after its creation */
export function endpointMessage(endpoint: WebhookEndpoint, secret?: string): WebhookEndpointMessage {
  const { previousExpireTime, previousPublicKey } = endpoint;
  const isOverlapping = previousExpireTime ? previousExpireTime.getTime() > Date.now() : false;
  return {
    id: endpoint.id,
    url: endpoint.url,
    eventTypes: endpoint.eventTypes,
    fields: endpoint.fields,
    filters: endpoint.filters,
    payload: WebhookPayload[endpoint.payload],
    coalescingSeconds: endpoint.coalescingSeconds,
    state: WebhookEndpointState[endpoint.state],
    description: endpoint.description ?? undefined,
    disableReason: WebhookDisableReason[endpoint.disableReason ?? 'UNSPECIFIED'],
    disableTime: endpoint.disableTime?.toISOString(),
    failingTime: endpoint.failingTime?.toISOString(),
    hidesPersonalData: endpoint.hidesPersonalData,
    secret,
    publicKeys: [endpoint.publicKey, ...(isOverlapping && previousPublicKey ? [previousPublicKey] : [])],
    previousSecretExpireTime: isOverlapping ? previousExpireTime?.toISOString() : undefined,
    etag: formatEtag(endpoint.version),
    createTime: endpoint.createTime.toISOString(),
    updateTime: endpoint.updateTime.toISOString(),
    createdBy: endpoint.createdBy,
  };
}
