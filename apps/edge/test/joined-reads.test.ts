import { Server, ServerCredentials, status, type Metadata, type sendUnaryData } from '@grpc/grpc-js';
import { ContractClient, PrincipalSigner, type Contract } from '@rapport/contracts';
import type { Caller } from '@rapport/platform';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { readCall, type ReadCall } from '../src/calls/join-reads.js';
import { ask } from './ask.js';
import { grpcRefusal } from './grpc-refusal.js';
import { authorization, startOres, type RunningEdge, type RunningOres } from './running-ores.js';

const service = '/rapport.sample.v1.OresService/';
let ores: RunningOres;
/** An edge with a contract that joins nothing. */
let plain: RunningEdge;
let joining: RunningEdge;
/** The contract that joins GetOre. */
let contract: Contract;
let principals: PrincipalSigner;

beforeAll(async () => {
  ores = await startOres();
  principals = await PrincipalSigner.of();
  plain = await ores.startEdge();
  contract = ores.contract;
  getOre().policy.joinedBy = 'BatchGetOres';
  joining = await ores.startEdge();
});
afterAll(() => ores.stop());

function getOre() {
  const method = contract.method(`${service}GetOre`);
  if (!method) throw new Error('There is no GetOre.');
  return method;
}

describe('at the edge', () => {
  const headers = { authorization: authorization('t1'), 'cache-control': 'no-cache' };
  const ids = Array.from({ length: 60 }, (_, n) => `ore-${n}`);

  beforeEach(() => {
    for (const id of ids) ores.writeBehind('t1', id);
    ores.calls.clear();
  });

  test('reads of one caller at the same time become a few calls, each with its own answer', async () => {
    const askAll = () => Promise.all(ids.map((id) => ask(`${joining.url}/v1/ores/${id}`, { headers })));
    // Opens the connections and authenticates the caller first, which takes varying time.
    await askAll();
    ores.calls.clear();
    const answers = await askAll();

    expect(answers.map(({ body }) => (JSON.parse(body) as { id: string }).id)).toEqual(ids);
    expect((ores.calls.get('getOre') ?? 0) + (ores.calls.get('batchGetOres') ?? 0)).toBeLessThan(ids.length / 2);
    expect(ores.calls.get('batchGetOres')).toBeGreaterThan(0);
  });

  test('answers and problems equal those of an edge that joins nothing', async () => {
    const asked = [...ids.slice(0, 10), 'missing', 'moved', 'missing', ...ids.slice(0, 3), `${'x'.repeat(99)}`];
    const answersOf = async ({ url }: RunningEdge) =>
      (await Promise.all(asked.map((id) => ask(`${url}/v1/ores/${id}`, { headers })))).map((answer) => ({
        status: answer.status,
        body: answer.body.replace(/"requestId":"[^"]*"/, ''),
        etag: answer.headers['etag'],
        type: answer.headers['content-type'],
      }));

    const joined = await answersOf(joining);
    expect(ores.calls.get('batchGetOres')).toBeGreaterThan(0);
    expect(joined).toEqual(await answersOf(plain));
    expect(new Set(joined.map((answer) => answer.status))).toEqual(new Set([200, 404]));
  });
});

describe('in a client', () => {
  let server: Server;
  let client: ContractClient;
  let read: ReadCall;
  let calls: { method: 'one' | 'many'; ids: string[]; caller: string; deadlineMs: number }[];
  let answerMany: (respond: sendUnaryData<unknown>, ids: string[], call: GrpcCall) => void;

  beforeEach(async () => {
    calls = [];
    answerMany = (respond, ids) => respond(null, { ores: ids.filter((id) => id !== 'missing').map(ore) });
    server = new Server();
    const note = (method: 'one' | 'many', ids: string[], call: GrpcCall) => {
      const caller = String(call.metadata.get('x-rapport-principal')[0]);
      calls.push({ method, ids, caller, deadlineMs: Number(call.getDeadline()) - Date.now() });
    };
    const { getOre: one, batchGetOres: many } = ores.ores;
    server.addService({ one, many } as never, {
      one: (call: GrpcCall, respond: sendUnaryData<unknown>) => {
        note('one', [call.request.id], call);
        const isFound = call.request.id !== 'missing';
        if (isFound) respond(null, ore(call.request.id));
        else respond(grpcRefusal(status.NOT_FOUND, 'ORE_NOT_FOUND'));
      },
      many: (call: GrpcCall, respond: sendUnaryData<unknown>) => {
        note('many', call.request.ids, call);
        answerMany(respond, call.request.ids, call);
      },
    });
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
    client = new ContractClient(`127.0.0.1:${port}`, [ores.ores], undefined, contract);
    read = readCall(contract, getOre(), client);
  });
  afterEach(() => {
    client.close();
    server.forceShutdown();
  });

  test('callers never share a call, even if they differ only in the key or a right', async () => {
    const callers = [
      { tenantId: 'a', principalId: 'k1', permissions: ['ores.read'] },
      { tenantId: 'a', principalId: 'k2', permissions: ['ores.read'] },
      { tenantId: 'a', principalId: 'k1', permissions: ['ores.read', 'ores.write'] },
      { tenantId: 'b', principalId: 'k1', permissions: ['ores.read'] },
    ];
    const reads = Array.from({ length: 80 }, (_, n) => ({ caller: callers[n % 4], id: `${n % 4}-${n}` }));

    await Promise.all(reads.map(({ caller, id }) => read({ id }, optionsOf(caller))));

    expect(calls.length).toBeLessThan(40);
    for (const call of calls) {
      const owners = new Set(call.ids.map((id) => callers[Number(id[0])]).map((caller) => caller && tokenOf(caller)));
      expect(owners).toEqual(new Set([call.caller]));
    }
  });

  test('many callers with one read each make one plain call each', async () => {
    const caller = (n: number) => ({ tenantId: `t${n}`, principalId: 'k', permissions: ['ores.read'] });
    await Promise.all(Array.from({ length: 30 }, (_, n) => read({ id: `${n}` }, optionsOf(caller(n)))));

    expect(calls.map(({ method }) => method)).toEqual(Array(30).fill('one'));
  });

  test('no call has more ids than the method allows, and duplicate ids are sent once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 250 }, (_, n) => read({ id: `${n % 240}` }, optionsOf(reader))),
    );

    expect(answers.map(({ id }) => id)).toEqual(Array.from({ length: 250 }, (_, n) => `${n % 240}`));
    expect(Math.max(...calls.map(({ ids }) => ids.length))).toBeLessThanOrEqual(100);
    for (const { ids } of calls) expect(new Set(ids).size).toBe(ids.length);
  });

  test('a failure of the call is a failure of each, and the next reads are not delayed', async () => {
    answerMany = (respond) => respond(grpcRefusal(status.RESOURCE_EXHAUSTED, 'TOO_MUCH'));
    const failed = await Promise.allSettled(['a', 'b', 'c'].map((id) => read({ id }, optionsOf(reader))));

    expect(failed.map((outcome) => outcome.status === 'rejected' && (outcome.reason as Error))).toMatchObject(
      Array(3).fill({ code: 'RESOURCE_EXHAUSTED', reason: 'TOO_MUCH' }),
    );
    expect(await read({ id: 'd' }, optionsOf(reader))).toMatchObject({ id: 'd' });
  });

  test('records that the joined call refuses or does not find are read alone', async () => {
    const [found, missing] = await Promise.allSettled(['a', 'missing'].map((id) => read({ id }, optionsOf(reader))));
    expect(found).toMatchObject({ value: { id: 'a' } });
    expect(missing).toMatchObject({ reason: { code: 'NOT_FOUND', reason: 'ORE_NOT_FOUND' } });
    expect(calls.map(({ method, ids }) => [method, ids])).toEqual([
      ['many', ['a', 'missing']],
      ['one', ['missing']],
    ]);

    answerMany = (respond) => respond(grpcRefusal(status.INVALID_ARGUMENT, 'INVALID'));
    const answers = await Promise.all(['a', 'b'].map((id) => read({ id }, optionsOf(reader))));
    expect(answers).toMatchObject([{ id: 'a' }, { id: 'b' }]);
  });

  test('a client that disconnects affects no other, and the last one ends the call', async () => {
    const { promise: cancelled, resolve } = Promise.withResolvers<void>();
    let release: () => void = () => undefined;
    answerMany = (respond, ids, call) => {
      call.on('cancelled', resolve);
      release = () => respond(null, { ores: ids.map(ore) });
    };
    const readBoth = async () => {
      const clients = [new AbortController(), new AbortController()] as const;
      const outcomes = Promise.allSettled(
        clients.map(({ signal }, n) => read({ id: `${n}` }, { ...optionsOf(reader), signal })),
      );
      const before = calls.length;
      await vi.waitUntil(() => calls.length > before, { timeout: 10_000 });
      return { clients, outcomes };
    };
    const { clients, outcomes } = await readBoth();
    clients[0].abort();
    release();
    expect(await outcomes).toMatchObject([{ reason: { code: 'CANCELLED' } }, { value: { id: '1' } }]);

    const { clients: both, outcomes: gone } = await readBoth();
    for (const each of both) each.abort();
    await cancelled;
    expect(await gone).toMatchObject([{ reason: { code: 'CANCELLED' } }, { reason: { code: 'CANCELLED' } }]);
  });

  test('a read at its deadline affects none that has time left', async () => {
    let release: () => void = () => undefined;
    answerMany = (respond, ids) => (release = () => respond(null, { ores: ids.map(ore) }));
    const late = read({ id: 'a' }, { ...optionsOf(reader), deadlineMs: 1_000 });
    const early = read({ id: 'b' }, optionsOf(reader));

    await expect(late).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    await vi.waitUntil(() => calls.length > 0, { timeout: 10_000 });
    release();

    expect(await early).toMatchObject({ id: 'b' });
    expect(calls.map(({ ids }) => ids)).toEqual([['a', 'b']]);
  });

  test('no read waits longer than its deadline, nor for a slow call before it', async () => {
    const slow: (() => void)[] = [];
    // The deadline is the guarantee; it is long enough for the call to arrive before.
    answerMany = (respond, ids) => void slow.push(() => respond(null, { ores: ids.map(ore) }));
    const late = Promise.allSettled(['a', 'b'].map((id) => read({ id }, { ...optionsOf(reader), deadlineMs: 1_000 })));
    await vi.waitUntil(() => calls.length > 0, { timeout: 10_000 });
    answerMany = (respond, ids) => respond(null, { ores: ids.map(ore) });
    const next = await Promise.all(['c', 'd', 'e'].map((id) => read({ id }, optionsOf(reader))));

    expect(next).toMatchObject([{ id: 'c' }, { id: 'd' }, { id: 'e' }]);
    expect(await late).toMatchObject(Array(2).fill({ reason: { code: 'DEADLINE_EXCEEDED' } }));
    // A reported value, not a measured time.
    expect(calls[0]?.deadlineMs).toBeLessThanOrEqual(1_000);
  });
});

test.each([
  ['NoSuchMethod', 'no such method'],
  ['ListOres', 'repeated string ids'],
  ['CreateOre', 'same permission'],
])('joined_by %s keeps the edge from starting', (joinedBy, reason) => {
  const method = { ...getOre(), policy: { ...getOre().policy, joinedBy } };
  const client = new ContractClient('127.0.0.1:1', [ores.ores]);
  expect(() => readCall(contract, method, client)).toThrow(reason);
  client.close();
});

interface GrpcCall {
  request: { id: string; ids: string[] };
  metadata: Metadata;
  getDeadline: () => Date | number;
  on: (event: 'cancelled', listener: () => void) => void;
}

const reader: Caller = { tenantId: 'a', principalId: 'k1', permissions: ['ores.read'] };

function optionsOf(caller: Caller | undefined) {
  return { context: { requestId: 'r', principalToken: caller && tokenOf(caller) }, deadlineMs: 10_000 };
}

function tokenOf(caller: Caller): string {
  return principals.sign(caller);
}

function ore(id: string) {
  return { id, name: '', version: 1, etag: '"1"' };
}
