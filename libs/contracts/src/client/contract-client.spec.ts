import { once } from 'node:events';
import { constants, createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import {
  Metadata,
  Server,
  ServerCredentials,
  status,
  type sendUnaryData,
  type ServerDuplexStream,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { callContext } from '@rapport/platform';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CallsServiceService } from '../gen/rapport/api/v1/calls_service.js';
import { AuthServiceService } from '../gen/rapport/auth/v1/auth_service.js';
import { ChangeFeedServiceService, WatchChangesRequest } from '../gen/rapport/customers/v1/change_feed_service.js';
import {
  CustomersServiceService,
  ImportCustomersRequest,
  ImportCustomersResponse,
} from '../gen/rapport/customers/v1/customers_service.js';
import { ContractClient } from './contract-client.js';

const { getTenant } = AuthServiceService;
const { importCustomers } = CustomersServiceService;
const { subscribe, watchChanges } = ChangeFeedServiceService;
const options = { context: { requestId: 'r' }, deadlineMs: 5_000 };

let server: Server;
let client: ContractClient;

beforeEach(() => {
  server = new Server();
});
afterEach(() => {
  client.close();
  server.forceShutdown();
});

describe('ContractClient', () => {
  it('rejects a call with unreadable error details, and stays usable', async () => {
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

  it('ends a call no later than its parent call', async () => {
    await serve(() => undefined);
    const context = { requestId: 'r', caller: undefined, dueAt: Date.now() + 100 };
    const call = callContext.run(context, () => client.unary(getTenant.path, {}, { ...options, deadlineMs: 60_000 }));
    await expect(call).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  });

  it('reports an unreachable service as retryable', async () => {
    await serve(() => undefined);
    server.forceShutdown();
    await expect(client.unary(getTenant.path, {}, options)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      retryAfterSeconds: 1,
    });
  });

  it('reads no more chunks of an upload once the answer has come', async () => {
    const answer = (_call: unknown, callback: sendUnaryData<unknown>) =>
      callback(null, ImportCustomersResponse.create({ created: 1 }));
    await serveMethods({ importCustomers }, { importCustomers: answer });
    const pieces = new Requests()[Symbol.asyncIterator]();
    await expect(client.upload(importCustomers.path, pieces, options)).resolves.toMatchObject({ created: 1 });
    expect(await pieces.next()).toMatchObject({ done: false });
  });
});

describe('a call without a connection', () => {
  let ending: Http2Server | undefined;
  afterEach(() => ending?.close());

  /**
   * Closes each new connection to a port. @returns the port, a promise of that many connections, and a function that stops
   * it
   */
  const breakConnections = async () => {
    let met = 0;
    const listener = createTcpServer((socket) => {
      met += 1;
      socket.destroy();
    });
    await once(listener.listen(0, '127.0.0.1'), 'listening');
    const { port } = listener.address() as AddressInfo;
    return {
      port,
      met: (count: number) => vi.waitUntil(() => met >= count),
      stop: () => once(listener.close(), 'close'),
    };
  };

  it('waits until the service is available again', async () => {
    const broken = await breakConnections();
    client = new ContractClient(`127.0.0.1:${broken.port}`, [{ getTenant, watchChanges }]);
    const waiting = client.unary(getTenant.path, {}, options);
    await broken.met(2);
    await broken.stop();
    ending = createServer().on('stream', answerEmpty);
    await once(ending.listen(broken.port, '127.0.0.1'), 'listening');
    await expect(waiting).resolves.toMatchObject({ id: '' });
  });

  it('fails before its deadline when the service stays unavailable', async () => {
    const broken = await breakConnections();
    client = new ContractClient(`127.0.0.1:${broken.port}`, [{ getTenant }]);
    const call = client.unary(getTenant.path, {}, { ...options, deadlineMs: 3_600_000 });
    await expect(call).rejects.toMatchObject({ reason: 'SERVICE_UNAVAILABLE', retryAfterSeconds: 1 });
    await broken.stop();
  });
});

describe('a call that connections refuse as they end', () => {
  let ending: Http2Server;
  let met = 0;
  let refused = 0;

  /** Refuses that many streams, as an ending connection does, and answers the others. */
  const refuse = async (refusals: number) => {
    [met, refused] = [0, 0];
    ending = createServer().on('stream', (stream, headers) => {
      if (headers[':path'] === CallsServiceService.calls.path) return refuseCallStream(stream);
      met += 1;
      if (met <= refusals) stream.once('error', () => (refused += 1)).close(constants.NGHTTP2_REFUSED_STREAM);
      else answerEmpty(stream);
    });
    await once(ending.listen(0, '127.0.0.1'), 'listening');
    const { port } = ending.address() as AddressInfo;
    client = new ContractClient(`127.0.0.1:${port}`, [{ getTenant, watchChanges }]);
  };
  const messages = async () => {
    const all: unknown[] = [];
    for await (const message of client.stream(watchChanges.path, WatchChangesRequest.create(), options))
      all.push(message);
    return all;
  };
  afterEach(() => ending.close());

  it('is repeated, since no service has received it', async () => {
    await refuse(4);
    await expect(client.unary(getTenant.path, {}, options)).resolves.toMatchObject({ id: '' });
    expect([refused, met]).toEqual([4, 5]);
  });

  it('is repeated when its answer is a stream', async () => {
    await refuse(4);
    await expect(messages()).resolves.toHaveLength(1);
    expect([refused, met]).toEqual([4, 5]);
  });

  it('fails when they keep refusing it', async () => {
    await refuse(Infinity);
    await expect(client.unary(getTenant.path, {}, options)).rejects.toMatchObject({ reason: 'SERVICE_UNAVAILABLE' });
    // gRPC sends it twice in each attempt.
    expect(met).toBe(8);
    await expect(messages()).rejects.toMatchObject({ reason: 'SERVICE_UNAVAILABLE' });
    expect(met).toBe(16);
  });
});

describe('a call with streams in both directions', () => {
  const echo = (call: Stream) => {
    call.on('data', ({ credit }) => call.write({ changes: [], cursor: String(credit) }));
    call.on('end', () => call.end());
  };
  const answersTo = (requests: AsyncIterable<unknown>) => client.duplex(subscribe.path, requests, options);

  it('signals the end of the requests to the service, and yields all answers', async () => {
    await serveMethods({ subscribe }, { subscribe: echo });
    const requests = ReadableStream.from([1, 2].map((credit) => ({ types: [], credit })));
    const cursors = [];
    for await (const answer of answersTo(requests)) cursors.push((answer as { cursor: string }).cursor);
    expect(cursors).toEqual(['1', '2']);
  });

  it('ends the call and releases the requests when the loop over the answers is left', async () => {
    const { promise: cancelled, resolve } = Promise.withResolvers<void>();
    await serveMethods({ subscribe }, { subscribe: (call: Stream) => echo(call.once('cancelled', resolve)) });
    const requests = new Requests();
    for await (const answer of answersTo(requests)) if (answer) break;
    await cancelled;
    await expect.poll(() => requests.isOver).toBe(true);
  });

  it('releases the requests when the service ends the call', async () => {
    await serveMethods({ subscribe }, { subscribe: (call: Stream) => call.end() });
    const requests = new Requests();
    for await (const answer of answersTo(requests)) throw new Error(`Unexpected answer ${JSON.stringify(answer)}.`);
    await expect.poll(() => requests.isOver).toBe(true);
  });

  it('fails with the error that the requests throw', async () => {
    await serveMethods({ subscribe }, { subscribe: echo });
    const answers = async () => {
      for await (const answer of answersTo(new Requests(new Error('no more')))) expect(answer).toBeDefined();
    };
    await expect(answers()).rejects.toThrow('no more');
  });
});

/** The answer of a service of the previous release: UNIMPLEMENTED. */
function refuseCallStream(stream: ServerHttp2Stream): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '12' }, { endStream: true });
}

/** A gRPC answer of one message without fields. */
function answerEmpty(stream: ServerHttp2Stream): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(Buffer.alloc(5));
}

type Stream = ServerDuplexStream<{ credit?: number }, unknown>;

/** A caller's requests: endless credit, or until `failure`. `isOver` is true once the iterator is closed. */
class Requests {
  isOver = false;

  constructor(private readonly failure?: Error) {}

  async *[Symbol.asyncIterator](): AsyncGenerator<unknown, void> {
    try {
      for (;;) {
        yield { ...ImportCustomersRequest.create(), types: [], credit: 1 };
        if (this.failure) throw this.failure;
        await new Promise((resolve) => setImmediate(resolve));
      }
    } finally {
      this.isOver = true;
    }
  }
}

function serve(answer: (call: unknown, callback: sendUnaryData<unknown>) => void): Promise<void> {
  return serveMethods({ getTenant }, { getTenant: answer });
}

async function serveMethods(methods: ServiceDefinition, handlers: UntypedServiceImplementation): Promise<void> {
  server.addService(methods, handlers);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  client = new ContractClient(`127.0.0.1:${port}`, [methods]);
}
