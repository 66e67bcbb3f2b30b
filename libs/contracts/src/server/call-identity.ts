import type { ServerUnaryCall } from '@grpc/grpc-js';
import { permissionMissing, type CallContext, type Caller } from '@rapport/platform';
import { readCallMetadata } from '../call-metadata.js';
import type { Policy } from '../gen/rapport/api/v1/options.js';
import type { PrincipalVerifier } from '../principals/principal-verifier.js';

/** What the platform's own processes have, and no credential from outside can be given. */
export const internalPermission = 'platform.internal';

/** Stands for the platform instead of a tenant. */
const noTenant = '00000000-0000-0000-0000-000000000000';

export type IdentifiedCall = Pick<ServerUnaryCall<unknown, unknown>, 'metadata' | 'getAuthContext'>;

/** Tells which process makes a call; undefined when that is not known. Throws for one that may make none. */
export type PeerOf = (call: IdentifiedCall) => string | undefined;

/** Finds out which process calls a service, and for whom. */
export class CallIdentity {
  /**
   * @param principals verify for whom a call is made
   * @param peerOf a process that is not known can't call what is internal, nor say why or from where a call is made
   */
  constructor(
    private readonly principals: PrincipalVerifier,
    private readonly peerOf: PeerOf,
  ) {}

  /**
   * For an internal method the process itself is the caller, for any other the principal that auth vouches for.
   *
   * @throws AppError UNAUTHENTICATED without a good principal token, PERMISSION_DENIED for a process that may not call
   */
  contextOf(call: IdentifiedCall, { internal, public: isPublic }: Policy): CallContext | Promise<CallContext> {
    const { requestId, principalToken, cause, client } = readCallMetadata(call.metadata);
    const peer = this.peerOf(call);
    // Why and from where a call comes is what a process says that is known.
    const known = peer === undefined ? {} : { ...(cause && { cause }), ...(client && { client }) };
    const contextFor = (caller: Caller | undefined) => ({ requestId, caller, ...known });
    if (internal) {
      // Who acts for somebody has no business in what the platform does for itself.
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
