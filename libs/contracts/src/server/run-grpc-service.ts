import 'reflect-metadata';
import { Server, ServerCredentials, type ServiceDefinition } from '@grpc/grpc-js';
import {
  Module,
  type DynamicModule,
  type INestApplicationContext,
  type NestInterceptor,
  type Type,
} from '@nestjs/common';
import { ModulesContainer, NestFactory } from '@nestjs/core';
import {
  isTracing,
  nestLogger,
  Readiness,
  runUntilStopped,
  startHealthServer,
  type Logger,
  type ReadinessChecks,
} from '@rapport/platform';
import type { Contract } from '../descriptors/load-contract.js';
import { platformContract } from '../descriptors/platform-contract.js';
import { ServedStreams } from '../calls/served-streams.js';
import { CallsServiceService } from '../gen/rapport/api/v1/calls_service.js';
import { AllowedCallers } from '../certificates/allowed-callers.js';
import type { ServiceCertificates } from '../certificates/service-certificates.js';
import type { PrincipalVerifier } from '../principals/principal-verifier.js';
import { traceServerCall } from '../trace-calls.js';
import { CallIdentity, type PeerOf } from './call-identity.js';
import { grpcHandlers, type ServedController } from './grpc-handlers.js';
import { addGrpcHealth } from './grpc-health.js';
import { serviceOf } from './implements-service.js';
import { runInterceptors } from './run-interceptors.js';
import { ServiceEntry } from './service-entry.js';

export interface GrpcServiceOptions {
  module: Type | DynamicModule;
  /** The services that the module's controllers implement. */
  services: ServiceDefinition[];
  /** `host:port` to listen on. */
  address: string;
  /** Verify for whom calls are made. */
  principals: PrincipalVerifier;
  /** What it proves itself with, and which processes may call it: their names are in their certificates. */
  tls?: { certificates: ServiceCertificates; allowedCallers: readonly string[] };
  /**
   * Without `tls`, which is for tests only: the process that every call is taken to come from. Absent, none is taken to come
   * from the platform.
   */
  peer?: string;
  logger: Logger;
  /** How long a connection of a client lives at most. 30 when absent. */
  connectionAgeSeconds?: number;
  /** Run inside the contract's checks, around each handler, the first outermost. */
  interceptors?: (app: INestApplicationContext) => NestInterceptor[];
  /** The platform's own contract when unset. */
  contract?: Contract;
}

/** How often the server looks at what keeps it from ending, in milliseconds. */
const lookEveryMs = 200;
/** After so many looks at which no call was being answered, all answers have been sent that can be. */
const quietLooks = 5;
const defaultAgeSeconds = 30;
/** The share of the age of its connection at which the client of a stream of calls is asked to open another one. */
const streamAge = 0.8;
/** Longer than a process takes to end. In milliseconds. */
const graceMs = 60_000;

/** A gRPC server that holds the module's controllers to the contract. Listens when the promise resolves. */
export async function startGrpcService(options: GrpcServiceOptions): Promise<INestApplicationContext> {
  return (await start(options)).app;
}

/** Runs a service as a process of its own: serves gRPC and probes until told to stop, then finishes running calls. */
export async function runGrpcService(
  options: GrpcServiceOptions & {
    healthPort: number;
    readinessChecks: (app: INestApplicationContext) => ReadinessChecks;
  },
): Promise<void> {
  const { app, served } = await start(options);
  const readiness = new Readiness(options.readinessChecks(app));
  addGrpcHealth(served.server, readiness);
  const health = await startHealthServer(options.healthPort, readiness);
  options.logger.info({ address: options.address, healthPort: options.healthPort }, 'serving');
  runUntilStopped(options.logger, async () => {
    readiness.drain();
    // Ahead of the hooks of modules, which have everything end that works for calls.
    void served.finish();
    await app.close();
    health.close();
  });
}

async function start(options: GrpcServiceOptions): Promise<{ app: INestApplicationContext; served: GrpcServer }> {
  const contract = options.contract ?? platformContract();
  const entry = new ServiceEntry(contract, new CallIdentity(options.principals), options.logger);
  const peers = peerOf(options);
  const streams = new ServedStreams(
    entry,
    peers,
    streamAge * (options.connectionAgeSeconds ?? defaultAgeSeconds) * 1_000,
  );
  const served = new GrpcServer(new Server(serverOptions(options, contract)), options.address, streams, entry);
  const module: DynamicModule = {
    module: ServedModule,
    imports: [options.module],
    providers: [{ provide: GrpcServer, useValue: served }],
  };
  const app = await NestFactory.createApplicationContext(module, {
    logger: nestLogger(options.logger),
    abortOnError: false,
  });
  for (const controller of servedControllers(app, options)) {
    served.server.addService(controller.definition, grpcHandlers(controller, entry, peers));
    streams.add(controller);
  }
  served.server.addService(CallsServiceService, streams.handlers);
  try {
    await served.listen(options.tls?.certificates.forServer() ?? ServerCredentials.createInsecure());
  } catch (error) {
    await app.close();
    throw error;
  }
  return { app, served };
}

function serverOptions({ connectionAgeSeconds = defaultAgeSeconds }: GrpcServiceOptions, contract: Contract) {
  return {
    // More than the edge's largest body, so that no other limit is met behind it.
    'grpc.max_receive_message_length': 8 * 1024 * 1024,
    'grpc.max_connection_age_ms': connectionAgeSeconds * 1_000,
    // No call outlives its deadline, and none is cut off before it.
    'grpc.max_connection_age_grace_ms': contract.longestCallMs,
    // More than one edge has places of any class: calls beyond it would wait for those before them.
    'grpc.max_concurrent_streams': 4_000,
    ...(isTracing() && { interceptors: [traceServerCall] }),
  };
}

/** The controllers of all modules that implement a service. @throws Error when a service has none */
function servedControllers(app: INestApplicationContext, options: GrpcServiceOptions): ServedController[] {
  const interceptors = options.interceptors?.(app) ?? [];
  const controllers = [...app.get(ModulesContainer).values()].flatMap((module) => [...module.controllers.values()]);
  return options.services.map((definition) => {
    const name = serviceName(definition);
    const implementing = (type: object) => serviceName(serviceOf(type) ?? {}) === name;
    const found = controllers.find(({ metatype }) => metatype && implementing(metatype));
    if (!name || !found?.metatype) throw new Error(`No controller implements ${name ?? 'a service without methods'}.`);
    return {
      definition,
      controller: found.instance as ServedController['controller'],
      run: runInterceptors(interceptors, found.metatype as Type),
    };
  });
}

function serviceName(definition: ServiceDefinition): string | undefined {
  return Object.values(definition)[0]?.path.split('/')[1];
}

@Module({})
class ServedModule {}

/** The gRPC server of a process. It ends after Nest has told modules to finish, and before they let go of what calls need. */
class GrpcServer {
  #finished: Promise<void> | undefined;

  constructor(
    readonly server: Server,
    private readonly address: string,
    private readonly streams: ServedStreams,
    private readonly entry: ServiceEntry,
  ) {}

  async listen(credentials: ServerCredentials): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.server.bindAsync(this.address, credentials, (error) => (error ? reject(error) : resolve()));
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.finish();
  }

  /**
   * Tells clients to call another replica, and resolves when no call is being answered any longer. Seen with grpc-js 1.14: a
   * connection that was still being made is not told, and the end of a call that has just begun may never be sent. Neither
   * keeps the server from ending once no call is being answered.
   */
  finish(): Promise<void> {
    this.#finished ??= this.#finish();
    return this.#finished;
  }

  async #finish(): Promise<void> {
    const { server } = this;
    this.streams.drain();
    let quiet = 0;
    const looking = setInterval(() => {
      server.drain(this.address, graceMs);
      quiet = this.entry.running === 0 ? quiet + 1 : 0;
      if (quiet === quietLooks) server.forceShutdown();
    }, lookEveryMs);
    await new Promise((resolve) => server.tryShutdown(resolve));
    clearInterval(looking);
  }
}

function peerOf({ tls, peer }: GrpcServiceOptions): PeerOf {
  if (!tls) return () => peer;
  const callers = new AllowedCallers(tls.allowedCallers);
  return (call) => callers.nameOf(call.getAuthContext().sslPeerCertificate);
}
