import { isDeepStrictEqual } from 'node:util';
import { LockMode, type EntityManager } from '@mikro-orm/postgresql';
import { readMask, type Updatable } from '@rapport/contracts';
import type {
  CreateWebhookEndpointRequest,
  DeleteWebhookEndpointRequest,
  RotateWebhookEndpointSecretRequest,
  UpdateWebhookEndpointRequest,
  WebhookEndpoint as WebhookEndpointMessage,
} from '@rapport/contracts/rapport/sync/v1/webhook_endpoints_service';
import { checkEtag, recordAuditEvent, transactionPipeline } from '@rapport/persistence';
import { AppError, currentCaller, invalidArgument, permissionMissing, type AuditKind } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import type { OutgoingHttp } from '../../outgoing-http/outgoing-http.js';
import type { SecretEnvelope } from '../../storage/secret-envelope.js';
import { dropJobs, endHold, readyEndpoint } from '../deliveries/delivery-statements.js';
import type { RecordFilters } from '../events/record-filters.js';
import { checkFields, endpointContent, type EndpointContent } from './endpoint-content.js';
import { EndpointKeys, keyOwner } from './endpoint-keys.js';
import { endpointMessage } from './endpoint-message.js';
import { readPermissions } from './event-types.js';
import { WebhookEndpoint } from './webhook-endpoint.entity.js';

const maxEndpoints = 200;

/** How long a replaced secret is still used, in milliseconds. */
const overlapMs = 24 * 60 * 60 * 1_000;

/** Permissions that every endpoint requires: gaps, and most events, are about customers. */
const readPermission = 'customers.read';

const updatable: Updatable<keyof EndpointContent> = {
  name: 'webhookEndpoint',
  noun: 'a webhook endpoint',
  fields: ['url', 'eventTypes', 'fields', 'filters', 'payload', 'coalescingSeconds', 'state', 'description'],
  fixed: Object.fromEntries(
    [
      ...['id', 'disableReason', 'disableTime', 'failingTime', 'hidesPersonalData', 'secret', 'publicKeys'],
      ...['previousSecretExpireTime', 'etag', 'createTime', 'updateTime', 'createdBy'],
    ].map((field) => [field, 'OUTPUT_ONLY']),
  ),
};

/** Validators of an endpoint's content. */
export interface EndpointParts {
  http: OutgoingHttp;
  filters: RecordFilters;
}

/** Handles CreateWebhookEndpoint. Like all functions here, it runs in a transaction. */
export async function createEndpoint(
  em: EntityManager,
  { http, envelope, filters }: EndpointParts & { envelope: SecretEnvelope },
  request: CreateWebhookEndpointRequest,
): Promise<WebhookEndpointMessage> {
  checkAccess();
  const content = endpointContent(sent(request), http);
  checkFields(content);
  const { tenantId, principalId, permissions, hidesPii = false } = currentCaller();
  const readable = readPermissions(typesOf(content), permissions);
  await filters.check(tenantId, content.filters, hidesPii);
  await checkRoom(em, tenantId);
  const [id, keys, now] = [uuidv7(), EndpointKeys.generate(), new Date()];
  const endpoint = em.create(WebhookEndpoint, {
    ...content,
    ...disabling(content, now),
    tenantId,
    id,
    hidesPersonalData: hidesPii,
    readPermissions: readable,
    sealedKeys: keys.seal(envelope, keyOwner({ tenantId, id })),
    publicKey: keys.publicKey,
    version: 1,
    createTime: now,
    updateTime: now,
    createdBy: principalId,
  });
  await em.flush();
  await em.execute('insert into webhook_tenant (tenant_id) values (?) on conflict do nothing', [tenantId]);
  await note(em, 'WEBHOOK_ENDPOINT_CREATED', endpoint);
  return endpointMessage(endpoint, keys.secret);
}

export async function updateEndpoint(
  em: EntityManager,
  { http, filters }: EndpointParts,
  request: UpdateWebhookEndpointRequest,
): Promise<WebhookEndpointMessage> {
  checkAccess();
  const changes = sent(request);
  const mask = readMask(request.updateMask, updatable);
  const endpoint = await findForChange(em, request.id);
  checkEtag(request.etag, endpoint.version);
  const named = Object.fromEntries(mask.map((field) => [field, changes[field]]));
  const content = endpointContent({ ...endpointMessage(endpoint), ...named }, http);
  // Not otherwise: an endpoint of a release before this check can still be changed.
  if (mask.includes('fields')) checkFields(content);
  const rights = rightsOfChange(endpoint, content, mask.includes('eventTypes'));
  if (mask.includes('filters') || rights.hidesPersonalData !== endpoint.hidesPersonalData) {
    await filters.check(endpoint.tenantId, content.filters, rights.hidesPersonalData);
  }
  const before = Object.fromEntries(updatable.fields.map((field) => [field, endpoint[field] ?? null]));
  const { hidesPersonalData, readPermissions: readable } = endpoint;
  if (isDeepStrictEqual([{ ...content }, rights], [before, { hidesPersonalData, readPermissions: readable }])) {
    return endpointMessage(endpoint);
  }
  const now = new Date();
  const isSwitched = content.state !== endpoint.state;
  em.assign(endpoint, {
    ...content,
    // Another URL has not failed yet.
    ...(content.url !== endpoint.url && { failingTime: null }),
    ...(isSwitched && { ...disabling(content, now), failingTime: null, holdTime: null }),
    ...rights,
    version: endpoint.version + 1,
    updateTime: now,
  });
  await em.flush();
  if (isSwitched) {
    const { tenantId, id, state } = endpoint;
    await transactionPipeline(em, state === 'ENABLED' ? [readyEndpoint(tenantId, id), endHold(id)] : dropJobs(id));
  }
  await note(em, 'WEBHOOK_ENDPOINT_CHANGED', endpoint, { fields: mask });
  return endpointMessage(endpoint);
}

export async function deleteEndpoint(em: EntityManager, request: DeleteWebhookEndpointRequest): Promise<void> {
  const endpoint = await findForChange(em, request.id);
  checkEtag(request.etag, endpoint.version);
  await transactionPipeline(em, dropJobs(endpoint.id));
  em.remove(endpoint);
  await em.flush();
  await note(em, 'WEBHOOK_ENDPOINT_DELETED', endpoint);
}

export async function rotateSecret(
  em: EntityManager,
  envelope: SecretEnvelope,
  request: RotateWebhookEndpointSecretRequest,
): Promise<WebhookEndpointMessage> {
  const endpoint = await findForChange(em, request.id);
  checkEtag(request.etag, endpoint.version);
  const [keys, now] = [EndpointKeys.generate(), new Date()];
  em.assign(endpoint, {
    previousSealedKeys: endpoint.sealedKeys,
    previousPublicKey: endpoint.publicKey,
    previousExpireTime: new Date(now.getTime() + overlapMs),
    sealedKeys: keys.seal(envelope, keyOwner(endpoint)),
    publicKey: keys.publicKey,
    version: endpoint.version + 1,
    updateTime: now,
  });
  await em.flush();
  await note(em, 'WEBHOOK_SECRET_ROTATED', endpoint);
  return endpointMessage(endpoint, keys.secret);
}

/** @throws AppError NOT_FOUND, also for an endpoint of another tenant */
export function foundEndpoint(endpoint: WebhookEndpoint | null): WebhookEndpoint {
  if (endpoint) return endpoint;
  throw new AppError('NOT_FOUND', 'WEBHOOK_ENDPOINT_NOT_FOUND', 'There is no such webhook endpoint.');
}

/** Locked, so that its deliveries wait. */
export async function findForChange(em: EntityManager, id: string): Promise<WebhookEndpoint> {
  const { tenantId } = currentCaller();
  const lockMode = LockMode.PESSIMISTIC_WRITE;
  return foundEndpoint(await em.findOne(WebhookEndpoint, { tenantId, id }, { lockMode }));
}

/** The creator of an endpoint sees everything that it receives. */
function checkAccess(): void {
  const { permissions, recordScope = 'ALL' } = currentCaller();
  if (!permissions.includes(readPermission)) throw permissionMissing(readPermission);
  if (recordScope === 'ALL') return;
  const message = `Events cover all records. A caller limited to the scope ${recordScope} can't subscribe to them.`;
  throw new AppError('PERMISSION_DENIED', 'RECORD_SCOPE_UNSUPPORTED', message, { metadata: { recordScope } });
}

/** An endpoint receives no more than the caller can see. A change that does not set the events adds nothing to what is sent. */
function rightsOfChange(
  endpoint: WebhookEndpoint,
  content: EndpointContent,
  areEventsSet: boolean,
): Pick<WebhookEndpoint, 'hidesPersonalData' | 'readPermissions'> {
  const { permissions, hidesPii = false } = currentCaller();
  const own = readPermissions(typesOf(content), permissions);
  return {
    hidesPersonalData: endpoint.hidesPersonalData || hidesPii,
    readPermissions: areEventsSet ? own : endpoint.readPermissions.filter((each) => own.includes(each)),
  };
}

/** The types of records that the content names. */
function typesOf({ eventTypes, filters }: EndpointContent): string[] {
  return [...eventTypes, ...filters.map(({ recordType }) => recordType)];
}

function sent({ webhookEndpoint }: { webhookEndpoint?: WebhookEndpointMessage | undefined }): WebhookEndpointMessage {
  if (webhookEndpoint) return webhookEndpoint;
  throw invalidArgument([{ field: 'webhookEndpoint', reason: 'REQUIRED', description: 'is required' }]);
}

/** Serializes the creation of a tenant's endpoints, so that the count includes concurrent ones. */
async function checkRoom(em: EntityManager, tenantId: string): Promise<void> {
  await em.execute('select pg_advisory_xact_lock(hashtextextended(?, 0))', [`webhook_endpoint ${tenantId}`]);
  if ((await em.count(WebhookEndpoint, { tenantId })) < maxEndpoints) return;
  const message = `A tenant can have at most ${maxEndpoints} webhook endpoints.`;
  throw new AppError('RESOURCE_EXHAUSTED', 'WEBHOOK_ENDPOINT_LIMIT', message);
}

function disabling({ state }: EndpointContent, now: Date): Pick<WebhookEndpoint, 'disableReason' | 'disableTime'> {
  return state === 'DISABLED'
    ? { disableReason: 'CALLER', disableTime: now }
    : { disableReason: null, disableTime: null };
}

/** Stores where a tenant's data goes in its audit chain, in the transaction of the change. */
async function note(
  em: EntityManager,
  kind: AuditKind,
  { id, url }: WebhookEndpoint,
  detail: object = {},
): Promise<void> {
  const { host } = new URL(url);
  await recordAuditEvent(em, { kind, records: [`webhookEndpoint/${id}`], detail: { host, ...detail } });
}
