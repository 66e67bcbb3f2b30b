import {
  FlowEnrollmentState,
  FlowExitReason,
  type FlowEnrollment,
} from '@rapport/contracts/rapport/flows/v1/flow_enrollments_service';
import { AppError } from '@rapport/platform';
import type { ExitReason } from './end-enrollment.js';

/** A stored enrollment, with what its run waits for. */
export interface EnrollmentRow {
  id: string;
  flow_id: string;
  version: number;
  customer_id: string;
  run_id: string;
  state: 'ACTIVE' | 'PAUSED' | 'COMPLETED' | 'EXITED';
  exit_reason: ExitReason | null;
  entry_time: string | Date;
  end_time: string | Date | null;
  waiting_for: string | null;
  wake_time: string | Date | null;
}

/** Of `flow_enrollment enrolled`, with its run, which is deleted some time after its end. */
export const selectEnrollments = `select enrolled.id, enrolled.flow_id, enrolled.version, customer_id, run_id,
    enrolled.state, exit_reason, entry_time, enrolled.end_time, waiting_for, wake_time
  from flow_enrollment enrolled
  left join flow_run run on run.tenant_id = enrolled.tenant_id and run.id = enrolled.run_id`;

/** @param showsCustomer whether the caller can read the customer */
export function enrollmentMessage(row: EnrollmentRow, showsCustomer: boolean): FlowEnrollment {
  const isIn = row.state === 'ACTIVE' || row.state === 'PAUSED';
  return {
    ...{ id: row.id, flowId: row.flow_id, version: row.version, runId: row.run_id },
    customerId: showsCustomer ? row.customer_id : undefined,
    state: FlowEnrollmentState[row.state],
    exitReason: row.exit_reason === null ? FlowExitReason.UNSPECIFIED : FlowExitReason[row.exit_reason],
    step: isIn ? (row.waiting_for ?? undefined) : undefined,
    nextTime: isIn ? isoTime(row.wake_time) : undefined,
    entryTime: new Date(row.entry_time).toISOString(),
    endTime: isoTime(row.end_time),
  };
}

function isoTime(time: string | Date | null): string | undefined {
  return time === null ? undefined : new Date(time).toISOString();
}

export function enrollmentNotFound(): AppError {
  return new AppError('NOT_FOUND', 'FLOW_ENROLLMENT_NOT_FOUND', 'There is no such enrollment.');
}
