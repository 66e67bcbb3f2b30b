import { defineEntity, p } from '@mikro-orm/postgresql';

const KeyDestructionSchema = defineEntity({
  name: 'KeyDestruction',
  tableName: 'key_destruction',
  properties: {
    tenantId: p.uuid().primary(),
    customerId: p.uuid().primary(),
    /** Keys of the customer up to this generation are to be destroyed. */
    lastGeneration: p.integer(),
  },
});

/**
 * A key to destroy after an erasure. The erasure writes the row in its transaction, and `KeyDestroyer` deletes it when the key is
 * destroyed. The table has no row-level security, since the destroyer works for all tenants; it holds only ids.
 */
export class KeyDestruction extends KeyDestructionSchema.class {}
KeyDestructionSchema.setClass(KeyDestruction);
