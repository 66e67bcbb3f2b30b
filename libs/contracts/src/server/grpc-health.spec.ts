import { Client, credentials, Server, ServerCredentials } from '@grpc/grpc-js';
import { Readiness } from '@rapport/platform';
import { afterEach, expect, it } from 'vitest';
import { addGrpcHealth, healthService } from './grpc-health.js';

const server = new Server();
let client: Client;

afterEach(() => {
  client.close();
  server.forceShutdown();
});

it('the health service of gRPC says whether the process is ready', async () => {
  let isAway = false;
  const readiness = new Readiness({
    needed: { database: () => (isAway ? Promise.reject(new Error('gone')) : Promise.resolve()) },
  });
  addGrpcHealth(server, readiness);
  const port = await new Promise<number>((resolve, reject) => {
    const insecure = ServerCredentials.createInsecure();
    server.bindAsync('127.0.0.1:0', insecure, (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const { path, requestSerialize, responseDeserialize } = healthService.check;
  const status = () =>
    new Promise((resolve, reject) => {
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, Buffer.alloc(0), (error, answer) =>
        error ? reject(error) : resolve(answer?.at(-1)),
      );
    });

  expect(await status()).toBe(1);
  isAway = true;
  expect(await status()).toBe(2);
  isAway = false;
  readiness.drain();
  expect(await status()).toBe(2);
});
