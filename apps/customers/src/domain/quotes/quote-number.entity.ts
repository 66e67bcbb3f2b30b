import { defineEntity, p } from '@mikro-orm/postgresql';
import { tenantIsolation } from '@rapport/persistence';

const NumberSchema = defineEntity({
  name: 'QuoteNumber',
  tableName: 'quote_number',
  ...tenantIsolation,
  properties: {
    tenantId: p.uuid().primary(),
    lastNumber: p.integer(),
  },
});

/** The last number that a quote of the tenant has. */
export class QuoteNumber extends NumberSchema.class {}
NumberSchema.setClass(QuoteNumber);
