import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import type { Caller } from '@rapport/platform';
import { v7 } from 'uuid';
import { newCaller, person, type SharedCustomers } from './running-customers.js';

/** A tenant with people of two teams who may see the records of some owners only. */
export class ScopedTenant {
  /** Sees all. */
  readonly admin: Caller = { ...newCaller(), principalId: `user:${v7()}` };
  readonly north = v7();
  readonly south = v7();

  constructor(private readonly customers: SharedCustomers) {}

  /** Somebody who sees their own records only. */
  own(teamId = this.north): Caller {
    return { ...this.admin, principalId: `user:${v7()}`, recordScope: 'OWN', teamIds: [teamId] };
  }

  /** Somebody who sees the records of their team too. */
  team(teamId = this.north): Caller {
    return { ...this.own(teamId), recordScope: 'TEAM' };
  }

  /** A customer that somebody has made, and owns. */
  create(caller: Caller, customer: Partial<Customer> = {}): Promise<Customer> {
    return this.customers.create(caller, person({ ownerId: idOf(caller), ...customer }));
  }
}

/** The id by which somebody owns records. */
export function idOf({ principalId }: Caller): string {
  return principalId.split(':')[1] ?? '';
}

/** What a call answers, or how it fails. */
export async function outcomeOf(call: Promise<unknown>): Promise<unknown> {
  try {
    return await call;
  } catch (error) {
    const { code, reason, message, violations, metadata } = error as Record<string, unknown>;
    return { code, reason, message, violations, metadata };
  }
}
