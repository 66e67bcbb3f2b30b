import { defineEntity, p } from '@mikro-orm/postgresql';

const AttemptWindowSchema = defineEntity({
  name: 'AttemptWindow',
  tableName: 'attempt_window',
  indexes: [{ name: 'attempt_window_end_time', properties: ['endTime'] }],
  properties: {
    /** HMAC of the counted subject, so that the table contains no addresses. */
    key: p.blob().primary(),
    attempts: p.integer(),
    endTime: p.datetime(3),
  },
});

/** The number of attempts in a window. It belongs to no tenant, because one address may try accounts of many. */
export class AttemptWindow extends AttemptWindowSchema.class {}
AttemptWindowSchema.setClass(AttemptWindow);
