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
 * A key that is to be destroyed, since what it sealed was erased: written with the erasure, gone once it is done. Without
 * row-level security, as whoever does it works for all tenants, and there is nothing in it but ids.
 */
export class KeyDestruction extends KeyDestructionSchema.class {}
KeyDestructionSchema.setClass(KeyDestruction);
