import { AsyncLocalStorage } from 'node:async_hooks';
import { permissionMissing } from '../app-error.js';

/** The principal that a call acts for. */
export interface Caller {
  /** UUID of the tenant whose data the call can access. */
  tenantId: string;
  /**
   * The principal that changes are attributed to: `apiKey:<uuid>`, `user:<uuid>`, `client:<id>` or `service:<name>`.
   */
  principalId: string;
  permissions: readonly string[];
  /** Whose records the caller can read and change: its own, its teams', or all. All when unset. */
  recordScope?: 'OWN' | 'TEAM' | 'ALL';
  /** UUIDs of the caller's teams. */
  teamIds?: readonly string[];
  /** Whether fields that the contract marks as `pii` are hidden from the caller. */
  hidesPii?: boolean;
  /** Whether a person acts in the console, which is part of the platform, and not an app that the person has let act. */
  inConsole?: boolean;
}

/** Origin of calls that the run of a flow makes. The id of the run is their `causationId`. */
export const flowOrigin = 'flow';

/** What caused a call, when it was not a direct request of a person or a client. */
export interface CallCause {
  /**
   * Channel of the call, such as `import`; `api` when unset. At most 100 characters: a service ignores a longer value
   * from another service.
   */
  origin?: string;
  /** Id of the cause: an operation, or a change of the change log. */
  causationId?: string;
  /** Number of automatic steps between a person's or client's request and this call; 0 when unset. */
  hop?: number;
}

/** Where a call entered the platform. Personal data: for the security audit, not for logs. */
export interface CallClient {
  /** IP address. */
  address: string;
  /** The client's user agent, in printable ASCII; at most 200 characters. */
  userAgent: string;
}

/** Context of the current call. */
export interface CallContext {
  requestId: string;
  /** Absent when the platform itself calls. */
  client?: CallClient;
  /** Absent on methods that need no credential. */
  caller: Caller | undefined;
  cause?: CallCause;
  /** Deadline of the call in milliseconds since the epoch. Calls made on its behalf have the same deadline. */
  dueAt?: number;
  /** Aborted when the client cancels or the deadline passes. Never after the response. */
  gone?: AbortSignal;
  /**
   * Whether the handler may answer with the JSON text of its message: the client asks for JSON, and gets every field of the
   * answer as it is.
   */
  takesJson?: boolean;
  /** Whether the call commits nothing that its client waits for. */
  isRead?: boolean;
  /** Whether the work at hand may test or count many rows of the database, of which a tenant runs few at the same time. */
  isScan?: boolean;
}

export const callContext = new AsyncLocalStorage<CallContext>();

/** The caller of the current call. Throws outside an authenticated call, which is a programming error. */
export function currentCaller(): Caller {
  const caller = callContext.getStore()?.caller;
  if (!caller) throw new Error('There is no authenticated call.');
  return caller;
}

/** For methods that only the sync service may call. @throws AppError PERMISSION_DENIED to other processes of the platform */
export function requireSync(): void {
  requireService('sync');
}

/** For methods that only some services may call. @throws AppError PERMISSION_DENIED to other processes of the platform */
export function requireService(...names: ('customers' | 'sync')[]): void {
  const { principalId } = currentCaller();
  if (!names.some((name) => principalId === `service:${name}`)) throw permissionMissing('platform.internal');
}
