import { AsyncLocalStorage } from 'node:async_hooks';

/** Whom a call acts for. */
export interface Caller {
  /** UUID of the tenant whose data the call may see. */
  tenantId: string;
  /** Whom changes are attributed to, such as `apiKey:019ab2f4-…`. */
  principalId: string;
  permissions: readonly string[];
}

/** What is known of the call that is being answered. */
export interface CallContext {
  requestId: string;
  /** Absent on methods that need no credential. */
  caller: Caller | undefined;
}

export const callContext = new AsyncLocalStorage<CallContext>();

/** The caller of the call that is being answered. Throws outside an authenticated call, which is a programmer's error. */
export function currentCaller(): Caller {
  const caller = callContext.getStore()?.caller;
  if (!caller) throw new Error('No authenticated call is being answered.');
  return caller;
}
