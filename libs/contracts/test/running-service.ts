import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import type { ServiceDefinition } from '@grpc/grpc-js';
import { Controller, Module } from '@nestjs/common';
import { callContext, createLogger } from '@rapport/platform';
import {
  AuthenticateApiKeyResponse,
  AuthServiceService,
  type Tenant,
} from '../src/gen/rapport/auth/v1/auth_service.js';
import { ChangeFeedServiceService } from '../src/gen/rapport/customers/v1/change_feed_service.js';
import { ImplementsService } from '../src/server/implements-service.js';
import type { GrpcServiceOptions } from '../src/server/grpc-transport.js';
import { startGrpcService } from '../src/server/run-grpc-service.js';

const { authenticateApiKey, getTenant } = AuthServiceService;
const { subscribe } = ChangeFeedServiceService;

/** Methods of each kind: one with a permission, a public one, and an internal one. */
export const methods = { getTenant, authenticateApiKey, subscribe };
export const services: ServiceDefinition[] = [{ getTenant, authenticateApiKey }, { subscribe }];

/** Each handler answers with a description of its call, as JSON in the name of a tenant, a plan, or a cursor. */
function contextText(): string {
  return JSON.stringify({ ...callContext.getStore(), dueAt: undefined, gone: undefined });
}

@Controller()
@ImplementsService({ getTenant, authenticateApiKey })
class AuthController {
  async getTenant(): Promise<Tenant> {
    return { id: '', displayName: contextText(), plan: '', createTime: undefined };
  }

  async authenticateApiKey() {
    return AuthenticateApiKeyResponse.create({ plan: contextText() });
  }
}

@Controller()
@ImplementsService({ subscribe })
class FeedController {
  async *subscribe() {
    yield { changes: [], cursor: contextText() };
  }
}

@Module({ controllers: [AuthController, FeedController] })
class TestModule {}

/** A service that answers with a description of its calls. @returns its address, and a function that stops it */
export async function startService(
  options: Pick<GrpcServiceOptions, 'principals' | 'peer' | 'tls'>,
): Promise<{ address: string; stop: () => Promise<void> }> {
  const address = `127.0.0.1:${await freePort()}`;
  const logger = createLogger('test', 'silent');
  const app = await startGrpcService({ module: TestModule, services, address, logger, ...options });
  return { address, stop: () => app.close() };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
