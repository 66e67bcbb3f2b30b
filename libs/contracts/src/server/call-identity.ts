import type { ServerUnaryCall } from '@grpc/grpc-js';
import { permissionMissing, type CallContext, type Caller } from '@rapport/platform';
import type { ReceivedCall } from '../call-metadata.js';
import type { Policy } from '../gen/rapport/api/v1/options.js';
import type { PrincipalVerifier } from '../principals/principal-verifier.js';

/** What the platform's own processes have, and no credential from outside can be given. */
export const internalPermission = 'platform.internal';

/** Stands for the platform instead of a tenant. */
const noTenant = '00000000-0000-0000-0000-000000000000';

/** Finds the process at the other end of a connection; undefined when it is not known. Throws for one that may not call. */
export type PeerOf = (call: Pick<ServerUnaryCall<unknown, unknown>, 'getAuthContext'>) => string | undefined;

/** Finds out for whom a call is made. */
export class CallIdentity {
  constructor(private readonly principals: PrincipalVerifier) {}

  /**
   * For an internal method the process itself is the caller, for any other the principal that auth vouches for.
   *
   * @param peer the process that calls. One that is not known can't call what is internal, nor say why or from where a call is made.
   * @throws AppError UNAUTHENTICATED without a good principal token, PERMISSION_DENIED for a process that may not call
   */
  contextOf(
    { requestId, principalToken, cause, client }: ReceivedCall,
    peer: string | undefined,
    { internal, public: isPublic }: Policy,
  ): CallContext | Promise<CallContext> {
    // Why and from where a call comes is what a process says that is known.
    const known = peer === undefined ? {} : { ...(cause && { cause }), ...(client && { client }) };
    const contextFor = (caller: Caller | undefined) => ({ requestId, caller, ...known });
    if (internal) {
      // A call for a principal has no access to what the platform does on its own account.
      if (peer === undefined || principalToken !== '') throw permissionMissing(internalPermission);
      return contextFor(processCaller(peer));
    }
    if (isPublic && principalToken === '') return contextFor(undefined);
    const caller = this.principals.verify(principalToken);
    return caller instanceof Promise ? caller.then(contextFor) : contextFor(caller);
  }
}

function processCaller(name: string): Caller {
  return { tenantId: noTenant, principalId: `service:${name}`, permissions: [internalPermission] };
}
