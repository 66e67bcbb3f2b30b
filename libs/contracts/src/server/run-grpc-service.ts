import 'reflect-metadata';
import type { ServiceDefinition } from '@grpc/grpc-js';
import { Module, type DynamicModule, type INestApplicationContext, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import {
  nestLogger,
  Readiness,
  runUntilStopped,
  startHealthServer,
  type Logger,
  type ReadinessChecks,
} from '@rapport/platform';
import type { ServiceCertificates } from '../certificates/service-certificates.js';
import type { Contract } from '../descriptors/load-contract.js';
import type { PrincipalVerifier } from '../principals/principal-verifier.js';
import type { RunHandler } from './grpc-handlers.js';
import { addGrpcHealth } from './grpc-health.js';
import { GrpcTransport } from './grpc-transport.js';

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
  /** What runs the handlers of a controller, inside the contract's checks. Without it they are called as they are. */
  runHandlers?: (app: INestApplicationContext, controller: Type) => RunHandler;
  /** The platform's own contract when unset. */
  contract?: Contract;
}

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
  const { app, transport } = await start(options);
  const readiness = new Readiness(options.readinessChecks(app));
  addGrpcHealth(transport.server, readiness);
  const health = await startHealthServer(options.healthPort, readiness);
  options.logger.info({ address: options.address, healthPort: options.healthPort }, 'serving');
  runUntilStopped(options.logger, async () => {
    readiness.drain();
    await app.close();
    health.close();
  });
}

async function start(options: GrpcServiceOptions): Promise<{ app: INestApplicationContext; transport: GrpcTransport }> {
  const transport = new GrpcTransport(options);
  const module: DynamicModule = {
    module: ServedModule,
    imports: [options.module],
    providers: [{ provide: GrpcTransport, useValue: transport }],
  };
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(module, {
    strategy: transport,
    logger: nestLogger(options.logger),
    abortOnError: false,
  });
  try {
    transport.serve(app);
    await app.listen();
  } catch (error) {
    await app.close();
    throw error;
  }
  return { app, transport };
}

@Module({})
class ServedModule {}
