import { Server, ServerCredentials, type ServiceDefinition } from '@grpc/grpc-js';
import type { DynamicModule, INestApplicationContext, Type } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import type { CustomTransportStrategy } from '@nestjs/microservices';
import { isTracing, type Logger } from '@rapport/platform';
import { ServedStreams } from '../calls/served-streams.js';
import { AllowedCallers } from '../certificates/allowed-callers.js';
import type { ServiceCertificates } from '../certificates/service-certificates.js';
import type { Contract } from '../descriptors/load-contract.js';
import { platformContract } from '../descriptors/platform-contract.js';
import type { PrincipalVerifier } from '../principals/principal-verifier.js';
import { traceServerCall } from '../calls/trace-calls.js';
import { grpcHandlers, readableService, type RunHandler, type ServedController } from './grpc-handlers.js';
import { serviceOf } from './implements-service.js';
import { ServiceEntry, type PeerOf } from './service-entry.js';

export interface GrpcServiceOptions {
  module: Type | DynamicModule;
  /** The services that the module's controllers implement. */
  services: ServiceDefinition[];
  /** `host:port` to listen on. */
  address: string;
  /** Verifies the principals of calls. */
  principals: PrincipalVerifier;
  /** Its certificate, and the processes that may call it, by the names in their certificates. */
  tls?: { certificates: ServiceCertificates; allowedCallers: readonly string[] };
  /**
   * Without `tls`, which is for tests only: the assumed calling process. When absent, no call counts as one of the
   * platform.
   */
  peer?: string;
  logger: Logger;
  /** How long a connection of a client lives at most. 30 when absent. */
  connectionAgeSeconds?: number;
  /** Wraps the handlers of a controller, inside the contract's checks. */
  runHandlers?: (app: INestApplicationContext, controller: Type) => RunHandler;
  /** The platform's own contract when unset. */
  contract?: Contract;
}

/** How often the server checks for running calls while it ends, in milliseconds. */
const lookEveryMs = 200;
/** After this many checks without a running call, all answers have been sent. */
const quietLooks = 5;
const defaultAgeSeconds = 30;
/** The share of the connection's maximum age after which the client of a call stream is asked to open another one. */
const streamAge = 0.8;
/** Longer than a process takes to end. In milliseconds. */
const graceMs = 60_000;

/**
 * Nest's gRPC transport: `ServiceEntry` calls handlers as plain functions, not through Nest's pipeline, whose observables
 * cost more than most calls. Nest composes the modules, and calls `listen` and `close`.
 */
export class GrpcTransport implements CustomTransportStrategy {
  readonly server: Server;
  readonly #entry: ServiceEntry;
  readonly #peerOf: PeerOf;
  readonly #streams: ServedStreams;
  #finished: Promise<void> | undefined;

  constructor(private readonly options: GrpcServiceOptions) {
    const { contract = platformContract(), principals, logger, connectionAgeSeconds = defaultAgeSeconds } = options;
    this.server = new Server(serverOptions(contract, connectionAgeSeconds));
    this.#entry = new ServiceEntry(contract, principals, logger);
    this.#peerOf = peerOf(options);
    this.#streams = new ServedStreams(this.#entry, this.#peerOf, streamAge * connectionAgeSeconds * 1_000, logger);
  }

  /** Finds the controllers of `app` that implement the services. @throws Error when a service has none */
  serve(app: INestApplicationContext): void {
    for (const controller of servedControllers(app, this.options)) {
      this.server.addService(readableService(controller), grpcHandlers(controller, this.#entry, this.#peerOf));
      this.#streams.add(controller);
    }
    this.server.addService(this.#streams.definition, this.#streams.handlers);
  }

  /** Called by Nest once the modules are initialised. */
  listen(done: (error?: unknown) => void): void {
    const { tls, address } = this.options;
    this.server.bindAsync(address, tls?.certificates.forServer() ?? ServerCredentials.createInsecure(), done);
  }

  /** Called by Nest before the modules' hooks, which stop everything that serves calls. Not awaited here. */
  close(): void {
    void this.#finish();
  }

  /** Called by Nest after the modules began to shut down, and before they release what calls need. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.#finish();
  }

  /** Part of Nest's interface, for transports with events. */
  on(event: string): never {
    throw new Error(`A gRPC server has no event ${event}.`);
  }

  /** Part of Nest's interface: the server beneath. */
  unwrap<T>(): T {
    return this.server as T;
  }

  /**
   * Asks clients to call another replica, and resolves when no call is running. Seen with grpc-js 1.14: a connection that
   * was still being made gets no GOAWAY, and the end of a call that has just begun may never be sent. Neither keeps the
   * server from ending once no call is running.
   */
  #finish(): Promise<void> {
    this.#finished ??= this.#drain();
    return this.#finished;
  }

  async #drain(): Promise<void> {
    const { server } = this;
    this.#streams.drain();
    let quiet = 0;
    const looking = setInterval(() => {
      server.drain(this.options.address, graceMs);
      quiet = this.#entry.running === 0 ? quiet + 1 : 0;
      if (quiet === quietLooks) server.forceShutdown();
    }, lookEveryMs);
    await new Promise((resolve) => server.tryShutdown(resolve));
    clearInterval(looking);
  }
}

function serverOptions(contract: Contract, connectionAgeSeconds: number) {
  return {
    // More than the edge's largest body, so that this limit is never the first.
    'grpc.max_receive_message_length': 8 * 1024 * 1024,
    'grpc.max_connection_age_ms': connectionAgeSeconds * 1_000,
    // No call outlives its deadline, and none is ended before it.
    'grpc.max_connection_age_grace_ms': contract.longestCallMs,
    // More than the places of one edge in any class: calls beyond the limit would queue.
    'grpc.max_concurrent_streams': 4_000,
    ...(isTracing() && { interceptors: [traceServerCall] }),
  };
}

/** The controllers of all modules that implement a service. @throws Error when a service has none */
function servedControllers(app: INestApplicationContext, options: GrpcServiceOptions): ServedController[] {
  const controllers = [...app.get(ModulesContainer).values()].flatMap((module) => [...module.controllers.values()]);
  return options.services.map((definition) => {
    const name = serviceName(definition);
    const implementing = (type: object) => serviceName(serviceOf(type) ?? {}) === name;
    const found = controllers.find(({ metatype }) => metatype && implementing(metatype));
    if (!name || !found?.metatype) throw new Error(`No controller implements ${name ?? 'a service without methods'}.`);
    return {
      definition,
      controller: found.instance as ServedController['controller'],
      run: options.runHandlers?.(app, found.metatype as Type) ?? ((handle) => handle()),
    };
  });
}

function serviceName(definition: ServiceDefinition): string | undefined {
  return Object.values(definition)[0]?.path.split('/')[1];
}

function peerOf({ tls, peer }: GrpcServiceOptions): PeerOf {
  if (!tls) return () => peer;
  const callers = new AllowedCallers(tls.allowedCallers);
  return (call) => callers.nameOf(call.getAuthContext().sslPeerCertificate);
}
