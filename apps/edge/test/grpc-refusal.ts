import type { status } from '@grpc/grpc-js';
import { Metadata } from '@grpc/grpc-js';
import { ErrorInfo } from '@rapport/contracts/google/rpc/error_details';
import { Status } from '@rapport/contracts/google/rpc/status';

/** The gRPC error of an AppError, for a service without Nest. */
export function grpcRefusal(code: status, reason: string, facts: Record<string, string> = {}) {
  const info = ErrorInfo.encode({ reason, domain: 'rapport', metadata: facts }).finish();
  const details = [{ typeUrl: 'type.googleapis.com/google.rpc.ErrorInfo', value: info }];
  const metadata = new Metadata();
  const packed = Status.encode({ code, message: 'Not so.', details: details as never }).finish();
  metadata.set('grpc-status-details-bin', Buffer.from(packed));
  return { code, details: 'Not so.', metadata };
}
