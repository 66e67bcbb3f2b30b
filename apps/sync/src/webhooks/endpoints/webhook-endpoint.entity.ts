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
    /** At most one for each type of records. */
    filters: p.json().$type<RecordTypeFilter[]>().defaultRaw(`'[]'`),
    payload: p.enum(['THIN', 'FULL'] as const),
    coalescingSeconds: p.integer(),
    state: p.enum(['ENABLED', 'DISABLED'] as const),
    description: p.text().nullable(),
    disableReason: p.enum(['CALLER', 'GONE', 'FAILING'] as const).nullable(),
    disableTime: p.datetime(3).nullable(),
    /** Since when every attempt has failed. */
    failingTime: p.datetime(3).nullable(),
    /** Until when it has asked to be left alone. */
    holdTime: p.datetime(3).nullable(),
    hidesPersonalData: p.boolean(),
    /** The permissions to read records that the caller had who set `eventTypes`: events about other records are not sent. */
    readPermissions: p.type(TextArray).$type<string[]>().defaultRaw(`'{customers.read}'`),
    /** What signs, sealed: see `EndpointKeys`. */
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

/** An address that gets a tenant's events. */
export class WebhookEndpoint extends WebhookEndpointSchema.class {}
WebhookEndpointSchema.setClass(WebhookEndpoint);
