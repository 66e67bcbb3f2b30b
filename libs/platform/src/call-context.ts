import { AsyncLocalStorage } from 'node:async_hooks';

/** Whom a call acts for. */
export interface Caller {
  /** UUID of the tenant whose data the call may see. */
  tenantId: string;
  /** Whom changes are attributed to, such as `apiKey:019ab2f4-…`. */
  principalId: string;
  permissions: readonly string[];
  /** True when it must not see personal data, the fields that the contract calls `pii`. */
  hidesPii?: boolean;
}

/** Why a call is made, as far as that is more than a person or a client asking for it. */
export interface CallCause {
  /** By which way it came, such as `import`; `api` when unset. At most 100 characters: a longer one is not taken from another service. */
  origin?: string;
  /** Id of what caused it: an operation, or a change of the change log. */
  causationId?: string;
  /** How many automatic steps lie between a person's or client's request and this call; 0 when unset. */
  hop?: number;
}

/** What is known of the call that is being answered. */
export interface CallContext {
  requestId: string;
  /** Absent on methods that need no credential. */
  caller: Caller | undefined;
  cause?: CallCause;
}

export const callContext = new AsyncLocalStorage<CallContext>();

/** The caller of the call that is being answered. Throws outside an authenticated call, which is a programmer's error. */
export function currentCaller(): Caller {
  const caller = callContext.getStore()?.caller;
  if (!caller) throw new Error('No authenticated call is being answered.');
  return caller;
}
