import { defineEntity, p } from '@mikro-orm/postgresql';
import { tenantIsolation } from '@rapport/persistence';

const TenantEncryptionSchema = defineEntity({
  name: 'TenantEncryption',
  tableName: 'tenant_encryption',
  ...tenantIsolation,
  properties: {
    tenantId: p.uuid().primary(),
    /** The operation that encrypts what was there before. */
    operationId: p.uuid(),
    createTime: p.datetime(3),
    createdBy: p.text(),
    /** Records of this table are being sealed. */
    doneTable: p.text().default('customer'),
    /** Those up to this id are done with. */
    doneId: p.uuid().default('00000000-0000-0000-0000-000000000000'),
    /** Since when nothing is left that is not encrypted. */
    completeTime: p.datetime(3).nullable(),
  },
});

/** That the personal data of a tenant is encrypted. It is never turned off. */
export class TenantEncryption extends TenantEncryptionSchema.class {}
TenantEncryptionSchema.setClass(TenantEncryption);
