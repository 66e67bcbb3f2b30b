import { Metadata, Server, ServerCredentials, status, type sendUnaryData } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import { AuthServiceService } from '../gen/rapport/auth/v1/auth_service.js';
import { ContractClient } from './contract-client.js';

const { getTenant } = AuthServiceService;
const options = { context: { requestId: 'r', caller: undefined }, deadlineMs: 5_000 };

let server: Server;
let client: ContractClient;

afterEach(() => {
  client.close();
  server.forceShutdown();
});

describe('ContractClient', () => {
  it('rejects a call whose error details can not be read, and goes on', async () => {
    const metadata = new Metadata();
    metadata.set('grpc-status-details-bin', Buffer.alloc(12, 0xff));
    await serve((_call, callback) => callback({ code: status.NOT_FOUND, details: 'x', metadata }));
    await expect(client.unary(getTenant.path, {}, options)).rejects.toThrow();
    await expect(client.unary(getTenant.path, {}, options)).rejects.toThrow();
  });

  it('ends a call at its deadline', async () => {
    await serve(() => undefined);
    const call = client.unary(getTenant.path, {}, { ...options, deadlineMs: 100 });
    await expect(call).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  });

  it('says that a service which is away may be tried again', async () => {
    await serve(() => undefined);
    server.forceShutdown();
    await expect(client.unary(getTenant.path, {}, options)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      retryAfterSeconds: 1,
    });
  });
});

async function serve(answer: (call: unknown, callback: sendUnaryData<unknown>) => void): Promise<void> {
  server = new Server();
  server.addService({ getTenant }, { getTenant: answer });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  client = new ContractClient(`127.0.0.1:${port}`, [{ getTenant }]);
}
