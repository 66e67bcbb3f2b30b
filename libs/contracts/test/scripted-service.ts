import { Controller, Module } from '@nestjs/common';
import { callContext, metrics, type CallContext } from '@rapport/platform';
import { freePort } from '@rapport/testing';
import { pino } from 'pino';
import { Contract } from '../src/descriptors/load-contract.js';
import { fileDescriptorSet } from '../src/gen/descriptors.js';
import { TrafficClass } from '../src/gen/rapport/api/v1/options.js';
import {
  AuthenticateApiKeyResponse,
  AuthServiceService,
  type Tenant,
} from '../src/gen/rapport/auth/v1/auth_service.js';
import type { PrincipalVerifier } from '../src/principals/principal-verifier.js';
import { ImplementsService } from '../src/server/implements-service.js';
import { startGrpcService } from '../src/server/run-grpc-service.js';

const { authenticateApiKey, getTenant } = AuthServiceService;

/** One with a permission, and a public one. */
export const methods = { getTenant, authenticateApiKey };

/** Number of open call streams of this process's clients. */
export async function openStreams(): Promise<number> {
  const { values = [] } = (await metrics.getSingleMetric('rapport_call_streams')?.get()) ?? {};
  return values[0]?.value ?? 0;
}

/** The script of a handler. @returns the tenant's name */
export type Script = (context: CallContext) => Promise<string>;

/** A service of one replica, whose handlers run the test's script for the request id of a call. */
export class ScriptedService {
  /** By request id. A call without a script is answered at once. */
  readonly scripts = new Map<string, Script>();
  /** Calls that reached a handler. */
  begun = 0;

  private constructor(
    readonly address: string,
    /** Lines of its log, as JSON. */
    readonly log: readonly string[],
    readonly stop: () => Promise<void>,
    serve: { answer: Script },
  ) {
    serve.answer = async (context) => {
      this.begun += 1;
      return this.scripts.get(context.requestId)?.(context) ?? context.requestId;
    };
  }

  static async start(
    principals: PrincipalVerifier,
    {
      connectionAgeSeconds,
      host = '127.0.0.1',
      port,
    }: { connectionAgeSeconds?: number; host?: string; port?: number } = {},
  ): Promise<ScriptedService> {
    const address = `${host}:${port ?? (await freePort())}`;
    const log: string[] = [];
    const serve: { answer: Script } = { answer: () => Promise.reject(new Error('not started')) };
    const app = await startGrpcService({
      module: moduleOf(serve),
      services: [methods],
      address,
      principals,
      peer: 'edge',
      logger: pino({ level: 'warn' }, { write: (line) => log.push(line) }),
      ...(connectionAgeSeconds && { connectionAgeSeconds }),
    });
    let stopped: Promise<void> | undefined;
    return new ScriptedService(address, log, () => (stopped ??= app.close()), serve);
  }
}

function moduleOf(serve: { answer: Script }) {
  const answer = () => {
    const context = callContext.getStore();
    if (!context) throw new Error('A handler runs outside of its call.');
    return serve.answer(context);
  };

  @Controller()
  @ImplementsService(methods)
  class ScriptedController {
    async getTenant(): Promise<Tenant> {
      return { id: '', displayName: await answer(), plan: '', createTime: undefined };
    }

    async authenticateApiKey() {
      return AuthenticateApiKeyResponse.create({ plan: await answer() });
    }
  }

  @Module({ controllers: [ScriptedController] })
  class ScriptedModule {}
  return ScriptedModule;
}

/** The platform's contract with all methods in another class of traffic, whose calls use plain gRPC. */
export class PlainContract extends Contract {
  constructor() {
    super(fileDescriptorSet);
  }

  override method(path: string) {
    const method = super.method(path);
    return method && { ...method, policy: { ...method.policy, trafficClass: TrafficClass.BULK } };
  }
}
