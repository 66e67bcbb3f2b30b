import { defineEntity, p } from '@mikro-orm/postgresql';

const AttemptWindowSchema = defineEntity({
  name: 'AttemptWindow',
  tableName: 'attempt_window',
  indexes: [{ name: 'attempt_window_end_time', properties: ['endTime'] }],
  properties: {
    /** HMAC of what is counted, such as an address: it names nobody. */
    key: p.blob().primary(),
    attempts: p.integer(),
    endTime: p.datetime(3),
  },
});

/** How often something was tried since its first time. Of no tenant: an address tries the accounts of many. */
export class AttemptWindow extends AttemptWindowSchema.class {}
AttemptWindowSchema.setClass(AttemptWindow);
