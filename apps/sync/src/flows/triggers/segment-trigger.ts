import {
  RecordTriggerOperation,
  type RecordTrigger,
  type SegmentTrigger,
} from '@rapport/contracts/rapport/flows/v1/flow';
import type { FlowCustomers } from '../enrollments/flow-customers.js';
import { recordOf, type ChangeFacts, type RecordAround } from './match-trigger.js';

/** The changes of members that a trigger `segment` follows. */
export function memberTrigger({ joined, left }: SegmentTrigger): RecordTrigger {
  const operations = [
    ...(joined ? [RecordTriggerOperation.CREATE, RecordTriggerOperation.UNDELETE] : []),
    ...(left ? [RecordTriggerOperation.DELETE] : []),
  ];
  return { type: 'segmentMember', operations, changedFields: [], filter: undefined, beforeFilter: undefined };
}

/** The customer of a member that a change is about; undefined for a member of another segment. */
export function customerOfMember({ segmentId }: SegmentTrigger, around: RecordAround): string | undefined {
  const member = recordOf(around);
  const customerId = member?.['customerId'];
  return member?.['segmentId'] === segmentId && typeof customerId === 'string' ? customerId : undefined;
}

/** A customer as the publisher of a flow sees it now. */
export function aroundNow(customer: Readonly<Record<string, unknown>>): RecordAround {
  return { before: undefined, after: customer, meetsBefore: () => false, meetsAfter: () => false };
}

/** A member whose customer is asked for. */
export interface WantedMember {
  tenantId: string;
  /** Of the flow that the customer starts. */
  principalId: string;
  customerId: string;
  change: Pick<ChangeFacts, 'id' | 'hop'>;
}

/** Reads the customers of members, each as the publisher of the flow sees it. */
export class MemberCustomers {
  readonly #found = new Map<string, ReadonlyMap<string, Readonly<Record<string, unknown>>> | undefined>();

  private constructor() {}

  /** @throws FiltersUnansweredError */
  static async of(customers: FlowCustomers, wanted: readonly WantedMember[]): Promise<MemberCustomers> {
    const found = new MemberCustomers();
    for (const [principalId, members] of Map.groupBy(wanted, (member) => member.principalId)) {
      const [{ tenantId, change }] = members as [WantedMember];
      const ids = [...new Set(members.map(({ customerId }) => customerId))];
      const acting = { tenantId, principalId, runId: change.id, hop: change.hop };
      found.#found.set(principalId, await customers.meeting(acting, ids));
    }
    return found;
  }

  /** Undefined for a customer that the principal does not see. */
  find(principalId: string, customerId: string): Readonly<Record<string, unknown>> | undefined {
    return this.#found.get(principalId)?.get(customerId);
  }
}
