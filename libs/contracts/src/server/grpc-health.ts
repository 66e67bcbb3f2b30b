import type { sendUnaryData, Server, ServerUnaryCall, ServiceDefinition } from '@grpc/grpc-js';
import type { Readiness } from '@rapport/platform';

const bytes = (message: Buffer): Buffer => message;

/**
 * `Check` of the standard health service, for balancers and tools that speak gRPC; without `Watch`, which it leaves optional.
 * (https://github.com/grpc/grpc/blob/master/doc/health-checking.md)
 */
export const healthService = {
  check: {
    path: '/grpc.health.v1.Health/Check',
    requestStream: false,
    responseStream: false,
    requestSerialize: bytes,
    requestDeserialize: bytes,
    responseSerialize: bytes,
    responseDeserialize: bytes,
  },
} satisfies ServiceDefinition;

/** A HealthCheckResponse has one field, `status = 1`. */
const serving = Buffer.from([0x08, 1]);
const notServing = Buffer.from([0x08, 2]);

/** Tells over gRPC what `/readyz` tells. All services of the process are ready together, whichever is asked for. */
export function addGrpcHealth(server: Server, readiness: Readiness): void {
  server.addService(healthService, {
    check: (_call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) => {
      void readiness.state().then(({ isReady }) => callback(null, isReady ? serving : notServing));
    },
  });
}
