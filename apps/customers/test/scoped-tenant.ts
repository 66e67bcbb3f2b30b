import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import type { Caller } from '@rapport/platform';
import { v7 } from 'uuid';
import { newCaller, person, type SharedCustomers } from './running-customers.js';

/** A tenant with users of two teams who have narrow scopes. */
export class ScopedTenant {
  /** With the scope ALL. */
  readonly admin: Caller = { ...newCaller(), principalId: `user:${v7()}` };
  readonly north = v7();
  readonly south = v7();

  constructor(private readonly customers: SharedCustomers) {}

  /** A user with the scope OWN. */
  own(teamId = this.north): Caller {
    return { ...this.admin, principalId: `user:${v7()}`, recordScope: 'OWN', teamIds: [teamId] };
  }

  /** A user with the scope TEAM. */
  team(teamId = this.north): Caller {
    return { ...this.own(teamId), recordScope: 'TEAM' };
  }

  /** A customer created and owned by a user. */
  create(caller: Caller, customer: Partial<Customer> = {}): Promise<Customer> {
    return this.customers.create(caller, person({ ownerId: idOf(caller), ...customer }));
  }
}

/** The owner id of a user. */
export function idOf({ principalId }: Caller): string {
  return principalId.split(':')[1] ?? '';
}

/** The response of a call, or its error. */
export async function outcomeOf(call: Promise<unknown>): Promise<unknown> {
  try {
    return await call;
  } catch (error) {
    const { code, reason, message, violations, metadata } = error as Record<string, unknown>;
    return { code, reason, message, violations, metadata };
  }
}
