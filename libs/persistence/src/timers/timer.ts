import type { EntityManager } from '@mikro-orm/postgresql';
import { v7 as uuidv7 } from 'uuid';
import type { Statement } from '../driver/pipeline.js';
import { transactionPipeline } from '../writes/transaction-pipeline.js';

/** What a timer is about. A record has one pending timer of a kind and purpose. */
export interface TimerTarget {
  tenantId: string;
  /** Such as `task`. */
  recordType: string;
  /** UUID */
  recordId: string;
}

export interface TimerRequest extends TimerTarget {
  /** Names the handler, such as `task.reminder`. */
  kind: string;
  /** Distinguishes the timers of a record and kind, such as `15 minutes before`. */
  purpose: string;
  dueTime: Date;
  /** JSON without personal data: an erasure of the record does not reach it. */
  payload?: Readonly<Record<string, unknown>>;
}

/** A timer that fires: its handler runs in the transaction that ends it. */
export interface FiringTimer extends Required<TimerRequest> {
  id: string;
}

/** Does what a timer was set for, in the transaction of `em`, as of `timer.dueTime`: the present is later. */
export type TimerHandler = (em: EntityManager, timer: FiringTimer) => Promise<void>;

/**
 * Sets a timer in the open transaction of `em`, or moves the pending one of the same record, kind and purpose. It fires
 * exactly once if the transaction commits, also after a time that has passed already.
 */
export async function setTimer(em: EntityManager, request: TimerRequest): Promise<void> {
  await transactionPipeline(em, [timerStatement(request)]);
}

/** Cancels the pending timers of a record, or those of one purpose, in the open transaction of `em`. */
export async function cancelTimers(em: EntityManager, target: TimerTarget & { purpose?: string }): Promise<void> {
  await transactionPipeline(em, [cancelStatement(target)]);
}

/** What `setTimer` does, for the statements of a record type's `also`. */
export function timerStatement({
  tenantId,
  kind,
  recordType,
  recordId,
  purpose,
  dueTime,
  payload = {},
}: TimerRequest): Statement {
  return {
    name: 'set_timer',
    // Each transaction locks the row of the timer before that of the job, so none waits for the other in a circle.
    sql: `with set as (
        insert into timer (tenant_id, id, kind, record_type, record_id, purpose, due_time, payload, state, create_time)
        values ($1, $2, $3, $4, $5, $6, $7, $8, 'PENDING', rapport_clock())
        on conflict (tenant_id, record_type, record_id, kind, purpose) where state = 'PENDING'
        do update set due_time = excluded.due_time, payload = excluded.payload
        returning tenant_id, id, due_time)
      insert into timer_job (tenant_id, timer_id, next_time) select * from set
      on conflict (tenant_id, timer_id) do update set next_time = excluded.next_time, failures = 0`,
    values: [tenantId, uuidv7(), kind, recordType, recordId, purpose, dueTime.toISOString(), JSON.stringify(payload)],
  };
}

/** What `cancelTimers` does, for the statements of a record type's `also` and `deleted`. */
export function cancelStatement({
  tenantId,
  recordType,
  recordId,
  purpose,
}: TimerTarget & { purpose?: string }): Statement {
  return {
    name: 'cancel_timers',
    sql: `with cancelled as (
        update timer set state = 'CANCELLED', end_time = rapport_clock()
        where tenant_id = $1 and record_type = $2 and record_id = $3 and state = 'PENDING'
          and ($4::text is null or purpose = $4)
        returning tenant_id, id)
      delete from timer_job using cancelled
      where timer_job.tenant_id = cancelled.tenant_id and timer_id = cancelled.id`,
    values: [tenantId, recordType, recordId, purpose ?? null],
  };
}
