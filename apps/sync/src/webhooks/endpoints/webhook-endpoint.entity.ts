import { defineEntity, p } from '@mikro-orm/postgresql';
import { tenantIsolation, TextArray } from '@rapport/persistence';
import type { RecordTypeFilter } from '../events/record-filters.js';

const WebhookEndpointSchema = defineEntity({
  name: 'WebhookEndpoint',
  tableName: 'webhook_endpoint',
  ...tenantIsolation,
  properties: {
    tenantId: p.uuid().primary(),
    id: p.uuid().primary(),
    url: p.text(),
    eventTypes: p.type(TextArray).$type<string[]>(),
    /** JSON names. */
    fields: p.type(TextArray).$type<string[]>(),
    /** At most one per type of records. */
    filters: p.json().$type<RecordTypeFilter[]>().defaultRaw(`'[]'`),
    payload: p.enum(['THIN', 'FULL'] as const),
    coalescingSeconds: p.integer(),
    state: p.enum(['ENABLED', 'DISABLED'] as const),
    description: p.text().nullable(),
    disableReason: p.enum(['CALLER', 'GONE', 'FAILING'] as const).nullable(),
    disableTime: p.datetime(3).nullable(),
    /** Time since which every attempt has failed. */
    failingTime: p.datetime(3).nullable(),
    /** Time until which the endpoint is on hold. */
    holdTime: p.datetime(3).nullable(),
    hidesPersonalData: p.boolean(),
    /** The read permissions of the caller that set `eventTypes`: events about other records are not sent. */
    readPermissions: p.type(TextArray).$type<string[]>().defaultRaw(`'{customers.read}'`),
    /** Sealed signing keys: see `EndpointKeys`. */
    sealedKeys: p.blob().$type<Buffer>(),
    publicKey: p.text(),
    previousSealedKeys: p.blob().$type<Buffer>().nullable(),
    previousPublicKey: p.text().nullable(),
    previousExpireTime: p.datetime(3).nullable(),
    version: p.integer(),
    createTime: p.datetime(3),
    updateTime: p.datetime(3),
    createdBy: p.text(),
  },
});

/** A URL that receives a tenant's events. */
export class WebhookEndpoint extends WebhookEndpointSchema.class {}
WebhookEndpointSchema.setClass(WebhookEndpoint);
