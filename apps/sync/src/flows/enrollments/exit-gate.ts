import type { FlowDefinition } from '@rapport/contracts/rapport/flows/v1/flow';
import { FlowKind } from '@rapport/contracts/rapport/flows/v1/flow';
import { enrolls } from './enter-flow.js';
import type { ExitReason } from './end-enrollment.js';
import type { FlowCustomers } from './flow-customers.js';

/** The enrollment for which a run acts. */
export interface ActingEnrollment {
  customerId: string;
  goal: string | undefined;
  exit: string | undefined;
  /** Of a sequence: an answer since this time, in RFC 3339, ends it. */
  unlessAnsweredSince: string | undefined;
}

/** The enrollment of a run; undefined for a run without one. */
export function actingEnrollment(
  { kind, enrollment }: FlowDefinition,
  { record, startTime }: { record: { id: string } | undefined; startTime: Date },
): ActingEnrollment | undefined {
  if (!enrolls({ kind }) || !record) return undefined;
  return {
    ...{ customerId: record.id, goal: enrollment?.goal, exit: enrollment?.exit },
    unlessAnsweredSince: kind === FlowKind.SEQUENCE ? startTime.toISOString() : undefined,
  };
}

/** Tests the filters of journeys before a step acts: a change that ends the run may not be taken yet. */
export class ExitGate {
  constructor(private readonly customers: FlowCustomers) {}

  /**
   * Why the customer of a run leaves now; undefined if it stays.
   *
   * @throws FiltersUnansweredError
   */
  async reasonOf(owner: {
    tenantId: string;
    principalId: string;
    runId: string;
    hop: number;
    enrollment: ActingEnrollment | undefined;
  }): Promise<ExitReason | undefined> {
    const { enrollment } = owner;
    if (!enrollment) return undefined;
    const { customerId, goal, exit } = enrollment;
    for (const [filter, reason] of [
      [goal, 'GOAL'],
      [exit, 'EXIT_FILTER'],
    ] as const) {
      if (filter === undefined) continue;
      const met = await this.customers.meeting(owner, [customerId], filter);
      if (met?.has(customerId)) return reason;
    }
    return undefined;
  }
}
