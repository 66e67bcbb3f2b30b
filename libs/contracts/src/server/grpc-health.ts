import type { sendUnaryData, Server, ServerUnaryCall, ServiceDefinition } from '@grpc/grpc-js';
import type { Readiness } from '@rapport/platform';

const bytes = (message: Buffer): Buffer => message;

/**
 * `Check` of the standard health service, for load balancers and tools; without the optional `Watch`.
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

/** Reports the readiness of `/readyz` over gRPC. All services of the process are ready together. */
export function addGrpcHealth(server: Server, readiness: Readiness): void {
  server.addService(healthService, {
    check: (_call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) => {
      void readiness.state().then(({ isReady }) => callback(null, isReady ? serving : notServing));
    },
  });
}
