import { defineEntity, p } from '@mikro-orm/postgresql';
import { tenantIsolation } from '@rapport/persistence';

const TenantEncryptionSchema = defineEntity({
  name: 'TenantEncryption',
  tableName: 'tenant_encryption',
  ...tenantIsolation,
  properties: {
    tenantId: p.uuid().primary(),
    /** The operation that encrypts existing data. */
    operationId: p.uuid(),
    createTime: p.datetime(3),
    createdBy: p.text(),
    /** The table whose records are being encrypted. */
    doneTable: p.text().default('customer'),
    /** Records up to this id are encrypted. */
    doneId: p.uuid().default('00000000-0000-0000-0000-000000000000'),
    /** Content id of the encrypted copy of the current file. */
    copyId: p.uuid().nullable(),
    /** When all existing data was encrypted. */
    completeTime: p.datetime(3).nullable(),
  },
});

/** Marks a tenant whose personal data is encrypted. Encryption is never disabled. */
export class TenantEncryption extends TenantEncryptionSchema.class {}
TenantEncryptionSchema.setClass(TenantEncryption);
