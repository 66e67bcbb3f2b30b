import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import { Controller, Module } from '@nestjs/common';
import {
  ContractClient,
  ImplementsService,
  PrincipalSigner,
  PrincipalVerifier,
  startGrpcService,
  type Contract,
  type RunHandler,
} from '@rapport/contracts';
import { AppError, callContext, createLogger } from '@rapport/platform';
import { freePort, sharedByFiles } from '@rapport/testing';
import type { ServiceDefinition } from '@grpc/grpc-js';
import { createEdge } from '../src/create-edge.js';
import { generateSampleContract } from './generate-sample-contract.js';

export type Message = Record<string, unknown>;

/** Observations of a stream's handler, by the `watcher` of its request. */
export interface Watched {
  yielded: number;
  /** The contexts of the handler at each request for a message: the call's and that of the service's session. */
  contexts: Set<string>;
  /** Settled when its `finally` has run. */
  ended: Promise<void>;
}

export interface RunningMinerals {
  contract: Contract;
  /** URL of the edge. */
  url: string;
  /** Address of the service itself, past the edge. */
  client: ContractClient;
  /** The signer that the service trusts. */
  principals: PrincipalSigner;
  watched: (watcher: string) => Watched;
  /** Another test may have used the name of a watcher. */
  forget: (watcher: string) => void;
  /** Number of messages that a handler has yielded when no more are requested. */
  untilAtRest: (watcher: string) => Promise<number>;
  stop: () => Promise<void>;
}

const mineral = { id: 'm1', name: 'quartz', facts: undefined, synonyms: ['rock crystal'], etag: '"1"', density: 2.65 };
const none = { name: '', facts: undefined, synonyms: [], etag: '"1"' };
const pieceBytes = 64 * 1024;
const innerContext = new AsyncLocalStorage<string>();

/** Shared, because no request changes its state. */
export const sharedMinerals = sharedByFiles(
  () => startMinerals(),
  (minerals) => minerals.stop(),
);

/** Creates a mineral past the edge. */
export function createMineral({ client }: RunningMinerals, mineral: Message): Promise<unknown> {
  const path = '/rapport.sample.v1.MineralsService/CreateMineral';
  return client.unary(path, { mineral }, { context: { requestId: 'r' }, deadlineMs: 5_000 });
}

/** Ticks of a millisecond without a new message. A pause of the machine counts as one. */
const turnsAtRest = 200;

/**
 * The service of `minerals_service.proto` and an edge in front of it.
 *
 * @param through a proxy between the edge and the service
 */
export async function startMinerals(through = async (address: string) => address): Promise<RunningMinerals> {
  const { contract, minerals } = await generateSampleContract();
  const logger = createLogger('test', 'silent');
  const address = `127.0.0.1:${await freePort()}`;
  const log = new Map<string, Watched & { end: () => void }>();
  const watched = (watcher: string) => {
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    const entry = log.get(watcher) ?? { yielded: 0, contexts: new Set(), ended, end };
    log.set(watcher, entry);
    return entry;
  };
  const module = mineralsModule(minerals, watched);
  // Gives each call its own context, like a database session.
  const runHandlers = (): RunHandler => (handle) => innerContext.run('inner', handle);
  const signer = await PrincipalSigner.of();
  const principals = new PrincipalVerifier(signer.publicKeys);
  const options = { module, services: [minerals], address, principals, logger, contract, runHandlers };
  const service = await startGrpcService(options);
  const config = { host: '127.0.0.1', port: 0, logLevel: 'silent', trustedProxies: [] };
  const addresses = new Map([['sample', await through(address)]]);
  const edge = await createEdge({ ...config, addresses }, contract, [minerals], logger);
  const url = await edge.app.listen({ port: 0, host: '127.0.0.1' });
  const client = new ContractClient(address, [minerals]);
  return {
    contract,
    url,
    client,
    principals: signer,
    watched,
    forget: (watcher) => void log.delete(watcher),
    untilAtRest: async (watcher) => {
      let last = watched(watcher).yielded;
      for (let turns = 0; turns < turnsAtRest; turns++) {
        // Polls a condition.
        await wait(1);
        if (watched(watcher).yielded !== last) turns = 0;
        last = watched(watcher).yielded;
      }
      return last;
    },
    stop: async () => {
      client.close();
      await edge.app.close();
      await service.close();
    },
  };
}

function mineralsModule(definition: ServiceDefinition, watched: (watcher: string) => Watched & { end: () => void }) {
  @Controller()
  @ImplementsService(definition)
  class MineralsController {
    async getMineral({ id, readMask }: Message): Promise<Message> {
      return { ...mineral, id, ...(id === 'mask' ? { synonyms: readMask } : {}) };
    }

    async listMinerals(): Promise<Message> {
      return { minerals: [mineral, { ...mineral, id: 'm2' }], totalSize: 2 };
    }

    async createMineral({ mineral: given }: Message): Promise<Message> {
      return { ...none, ...(given as Message), id: 'm1', etag: '"1"' };
    }

    async updateMineral({ id, mineral: given, updateMask }: Message): Promise<Message> {
      return { ...none, ...(given as Message), id, etag: '"2"', synonyms: updateMask };
    }

    async *watchMinerals({ count = 1, failAfter, watcher }: WatchRequest): AsyncGenerator<Message> {
      const entry = watched(watcher ?? '');
      try {
        for (let n = 0; n < count; n++) {
          if (n === failAfter) throw new AppError('FAILED_PRECONDITION', 'CAVE_IN', 'The mine has caved in.');
          entry.yielded++;
          yield { ...none, id: `m${n}`, name: 'quartz' };
          entry.contexts.add(`${callContext.getStore()?.requestId} ${innerContext.getStore()}`);
        }
        if (count === 0) throw new Error('secret');
      } finally {
        entry.end();
      }
    }

    async *exportMinerals({ pieces, failAfter, watcher }: ExportRequest): AsyncGenerator<Message> {
      const entry = watched(watcher ?? '');
      try {
        for (let n = 0; n < pieces; n++) {
          if (n === failAfter) throw new AppError('FAILED_PRECONDITION', 'CAVE_IN', 'The mine has caved in.');
          entry.yielded++;
          const data = Buffer.alloc(pieceBytes, n % 256);
          yield { contentType: n === 0 ? 'text/csv; charset=utf-8' : '', data, extensions: [] };
        }
      } finally {
        entry.end();
      }
    }

    async *auditMinerals(): AsyncGenerator<Message> {
      yield mineral;
    }

    async *glimpseMinerals(): AsyncGenerator<Message> {
      const entry = watched('glimpse');
      try {
        for (;;) yield mineral;
      } finally {
        entry.end();
      }
    }

    async putPicture(requests: AsyncIterable<{ id: string; caption?: string; picture: { data: Uint8Array } }>) {
      const seen = { id: '', caption: '', bytes: 0 };
      for await (const { id, caption, picture } of requests) {
        seen.id ||= id;
        seen.caption ||= caption ?? '';
        seen.bytes += picture.data.length;
      }
      return seen;
    }
  }

  @Module({ controllers: [MineralsController] })
  class MineralsModule {}
  return MineralsModule;
}

interface WatchRequest {
  count?: number;
  failAfter?: number;
  watcher?: string;
}

interface ExportRequest {
  pieces: number;
  failAfter?: number;
  watcher?: string;
}
