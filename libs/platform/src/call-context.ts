import { AsyncLocalStorage } from 'node:async_hooks';

/** Whom a call acts for. */
export interface Caller {
  /** UUID of the tenant whose data the call may see. */
  tenantId: string;
  /** Whom changes are attributed to: `apiKey:<uuid>`, `user:<uuid>`, `client:<id>` or `service:<name>`. */
  principalId: string;
  permissions: readonly string[];
  /** Whose records the caller may see and change: their own, their teams', or all, which it is when unset. */
  recordScope?: 'OWN' | 'TEAM' | 'ALL';
  /** UUIDs of the teams that the caller is in. */
  teamIds?: readonly string[];
  /** Whether fields that the contract marks as `pii` are kept from the caller. */
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

/** From where a call came to the platform. Personal data: for the audit of security, not for logs. */
export interface CallClient {
  /** IP address. */
  address: string;
  /** The program that the client says it is, in printable ASCII; at most 200 characters. */
  userAgent: string;
}

/** What is known of the call that is being answered. */
export interface CallContext {
  requestId: string;
  /** Absent when the platform itself calls. */
  client?: CallClient;
  /** Absent on methods that need no credential. */
  caller: Caller | undefined;
  cause?: CallCause;
  /** Until when its answer is waited for, in milliseconds since the epoch; what is asked of others for it ends then too. */
  dueAt?: number;
  /** Aborted once nobody waits for its answer any longer: who asked has gone, or it is late. Never after it is answered. */
  gone?: AbortSignal;
}

export const callContext = new AsyncLocalStorage<CallContext>();

/** The caller of the call that is being answered. Throws outside an authenticated call, which is a programmer's error. */
export function currentCaller(): Caller {
  const caller = callContext.getStore()?.caller;
  if (!caller) throw new Error('No authenticated call is being answered.');
  return caller;
}
