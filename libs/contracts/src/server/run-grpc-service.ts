import 'reflect-metadata';
import type { Server, ServiceDefinition } from '@grpc/grpc-js';
import type { INestMicroservice, NestInterceptor, Type, DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Transport, type GrpcOptions, type NestMicroservice } from '@nestjs/microservices';
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
import { AllowedCallers } from '../certificates/allowed-callers.js';
import type { ServiceCertificates } from '../certificates/service-certificates.js';
import type { PrincipalVerifier } from '../principals/principal-verifier.js';
import { traceServerCall } from '../trace-calls.js';
import { CallIdentity, type PeerOf } from './call-identity.js';
import { ContractInterceptor } from './contract-interceptor.js';
import { ErrorFilter } from './error-filter.js';
import { addGrpcHealth } from './grpc-health.js';

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
  interceptors?: (app: INestMicroservice) => NestInterceptor[];
  /** The platform's own contract when unset. */
  contract?: Contract;
}

/** How often it is looked at what keeps a server from ending, in milliseconds. */
const lookEveryMs = 200;
/** After so many looks at which no call was being answered, all answers have been sent that can be. */
const quietLooks = 5;
/** Longer than a process takes to end. In milliseconds. */
const graceMs = 60_000;

/** A gRPC server that holds the module's controllers to the contract. Listens when the promise resolves. */
export async function startGrpcService(options: GrpcServiceOptions): Promise<INestMicroservice> {
  return (await start(options)).app;
}

interface Started {
  app: NestMicroservice;
  server: Server;
  calls: ContractInterceptor;
}

async function start(options: GrpcServiceOptions): Promise<Started> {
  const contract = options.contract ?? platformContract();
  const loaded = Promise.withResolvers<Server>();
  const grpc: GrpcOptions = {
    transport: Transport.GRPC,
    options: {
      url: options.address,
      ...(options.tls && { credentials: options.tls.certificates.forServer() }),
      package: [...new Set(options.services.map(packageName))],
      packageDefinition: packageDefinition(options.services),
      gracefulShutdown: true,
      onLoadPackageDefinition: (_package, server) => loaded.resolve(server as Server),
      // More than the edge's largest body, so that no other limit is met behind it.
      maxReceiveMessageLength: 8 * 1024 * 1024,
      channelOptions: {
        'grpc.max_connection_age_ms': (options.connectionAgeSeconds ?? 30) * 1_000,
        // No call outlives its deadline, and none is cut off before it.
        'grpc.max_connection_age_grace_ms': contract.longestCallMs,
        // More than one edge has places of any class: calls beyond it would wait for those before them.
        'grpc.max_concurrent_streams': 4_000,
        // Nest hands all of these to the server.
        ...(isTracing() && { interceptors: [traceServerCall] }),
      },
    },
  };
  const app = (await NestFactory.createMicroservice<GrpcOptions>(options.module, {
    ...grpc,
    logger: nestLogger(options.logger),
    abortOnError: false,
  })) as NestMicroservice;
  const identity = new CallIdentity(options.principals, peerOf(options));
  const calls = new ContractInterceptor(contract, identity);
  app.useGlobalInterceptors(calls, ...(options.interceptors?.(app) ?? []));
  app.useGlobalFilters(new ErrorFilter(options.logger));
  await app.listen();
  return { app, server: await loaded.promise, calls };
}

/** Runs a service as a process of its own: serves gRPC and probes until told to stop, then finishes running calls. */
export async function runGrpcService(
  options: GrpcServiceOptions & {
    healthPort: number;
    readinessChecks: (app: INestMicroservice) => ReadinessChecks;
  },
): Promise<void> {
  const { app, server, calls } = await start(options);
  const readiness = new Readiness(options.readinessChecks(app));
  addGrpcHealth(server, readiness);
  const health = await startHealthServer(options.healthPort, readiness);
  options.logger.info({ address: options.address, healthPort: options.healthPort }, 'serving');
  runUntilStopped(options.logger, async () => {
    readiness.drain();
    stopAccepting(server, options.address, () => calls.running);
    // `close` would wait for the streams before it has their handlers told to end.
    await app['shutdown']();
    health.close();
  });
}

/**
 * Tells clients to call another replica, ahead of Nest, which first has everything end that works for calls. Seen with grpc-js
 * 1.14: a connection that was still being made is not told, and the end of a call that has just begun may never be sent. Neither
 * keeps the server from ending once no call is being answered.
 */
function stopAccepting(server: Server, address: string, running: () => number): void {
  const finished = new Promise<Error | undefined>((resolve) => server.tryShutdown(resolve));
  let quiet = 0;
  const looking = setInterval(() => {
    server.drain(address, graceMs);
    quiet = running() === 0 ? quiet + 1 : 0;
    if (quiet === quietLooks) server.forceShutdown();
  }, lookEveryMs);
  void finished.then(() => clearInterval(looking));
  // Asked again, as Nest asks it, a server does not wait for the calls that are under way.
  server.tryShutdown = (callback) => void finished.then(callback);
}

function peerOf({ tls, peer }: GrpcServiceOptions): PeerOf {
  if (!tls) return () => peer;
  const callers = new AllowedCallers(tls.allowedCallers);
  return (call) => callers.nameOf(call.getAuthContext().sslPeerCertificate);
}

/** Nest finds the services of a package in this map, and ts-proto's compiled code encodes their messages. */
function packageDefinition(services: ServiceDefinition[]): Record<string, ServiceDefinition> {
  return Object.fromEntries(services.map((service) => [serviceName(service), service]));
}

function serviceName(service: ServiceDefinition): string {
  const name = Object.values(service)[0]?.path.split('/')[1];
  if (!name) throw new Error('A service without methods can not be served.');
  return name;
}

function packageName(service: ServiceDefinition): string {
  return serviceName(service).split('.').slice(0, -1).join('.');
}
