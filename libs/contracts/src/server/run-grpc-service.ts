import 'reflect-metadata';
import { Module, type DynamicModule, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import { nestLogger, Readiness, runUntilStopped, startHealthServer, type ReadinessChecks } from '@rapport/platform';
import { addGrpcHealth } from './grpc-health.js';
import { GrpcTransport, type GrpcServiceOptions } from './grpc-transport.js';

/** A gRPC server that enforces the contract for the module's controllers. It listens when the promise resolves. */
export async function startGrpcService(options: GrpcServiceOptions): Promise<INestApplicationContext> {
  return (await start(options)).app;
}

/** Runs a service as a process: serves gRPC and probes until SIGTERM, then finishes running calls. */
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
