import { generateKeyPairSync } from 'node:crypto';
import { Client, credentials, status, type ClientDuplexStream, type StatusObject } from '@grpc/grpc-js';
import { metrics, type Caller } from '@rapport/platform';
import { freePort, startNameServer } from '@rapport/testing';
import { SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ContractClient } from '../src/client/contract-client.js';
import {
  AnswerForm,
  CallsServiceService,
  StreamEnd,
  type AnswerFrame,
  type CallFrame,
  type StreamedAnswer,
  type StreamedCall,
} from '../src/gen/rapport/api/v1/calls_service.js';
import { PrincipalSigner } from '../src/principals/principal-signer.js';
import { PrincipalVerifier } from '../src/principals/principal-verifier.js';
import { methods, ScriptedService } from './scripted-service.js';

const caller: Caller = { tenantId: 't', principalId: 'apiKey:a', permissions: ['tenant.read'] };
const never = () => new Promise<string>(() => undefined);
const { calls } = CallsServiceService;

let signer: PrincipalSigner;
let service: ScriptedService;

beforeEach(async () => {
  signer = await PrincipalSigner.of();
  service = await ScriptedService.start(new PrincipalVerifier(signer.publicKeys));
});
afterEach(() => service.stop());

/** A stream of calls whose frames the test writes. */
class RawStream {
  readonly frames: AnswerFrame[] = [];
  readonly ended: Promise<StatusObject>;
  readonly #client = new Client(service.address, credentials.createInsecure());
  readonly #stream: ClientDuplexStream<CallFrame, AnswerFrame>;

  /** @param encode writes what is no frame at all */
  constructor(encode: (frame: CallFrame) => Buffer = calls.requestSerialize) {
    this.#stream = this.#client.makeBidiStreamRequest(calls.path, encode, calls.responseDeserialize);
    this.#stream.on('data', (frame: AnswerFrame) => this.frames.push(frame));
    this.#stream.on('error', () => undefined);
    this.ended = new Promise((resolve) => this.#stream.once('status', resolve));
  }

  send(frame: Partial<CallFrame>): this {
    this.#stream.write({ tokens: [], calls: [], cancelledCalls: [], forgottenTokens: [], ...frame });
    return this;
  }

  get answers(): StreamedAnswer[] {
    return this.frames.flatMap(({ answers }) => answers);
  }

  async untilAnswered(count: number): Promise<StreamedAnswer[]> {
    await expect.poll(() => this.answers.length).toBe(count);
    return this.answers;
  }

  /** Says that no calls will follow. */
  async end(): Promise<StatusObject> {
    this.#stream.end();
    const end = await this.ended;
    this.#client.close();
    return end;
  }
}

function token(number = 1, text = signer.sign(caller)) {
  return { number, token: text };
}

function callOf(number: number, more: Partial<StreamedCall> = {}): StreamedCall {
  return {
    ...{ number, method: methods.getTenant.path, timeoutMs: 30_000, requestId: String(number), token: 1 },
    ...{ traceparent: '', origin: '', causationId: '', hop: 0, clientAddress: '', userAgent: '' },
    answerForm: AnswerForm.UNSPECIFIED,
    request: Buffer.alloc(0),
    ...more,
  };
}

it('answers of one moment share a frame, and a stream ends when all are there', async () => {
  const stream = new RawStream().send({
    tokens: [token()],
    calls: Array.from({ length: 100 }, (_, index) => callOf(index + 1)),
  });
  const answers = await stream.untilAnswered(100);
  expect(new Set(answers.map(({ code }) => code))).toEqual(new Set([status.OK]));
  // One for each would be 100. How many moments they take depends on what else the machine does.
  expect(stream.frames.length).toBeLessThan(50);
  expect(await stream.end()).toMatchObject({ code: status.OK });
});

describe('a frame that no sound client sends ends its stream, and no other:', () => {
  it.each<[string, () => Partial<CallFrame>]>([
    ['a call with the number of another', () => ({ calls: [callOf(1), callOf(1)] })],
    ['a call with a lower number', () => ({ calls: [callOf(2), callOf(1)] })],
    ['a call without a number', () => ({ calls: [callOf(0)] })],
    ['a call by a token that was not sent', () => ({ calls: [callOf(1, { token: 9 })] })],
    ['a token with the number of another', () => ({ tokens: [token(1), token(1)] })],
    ['a token without a number', () => ({ tokens: [token(0)] })],
    [
      'more tokens than a stream may know',
      () => ({ tokens: Array.from({ length: 10_001 }, (_, index) => token(index + 2, 't')) }),
    ],
    ['a request that is too large', () => ({ calls: [callOf(1, { request: Buffer.alloc(300_000) })] })],
  ])('%s', async (_what, frame) => {
    const sound = new RawStream().send({ tokens: [token()] });
    const stream = new RawStream().send({ tokens: [token()] }).send(frame());
    expect(await stream.ended).toMatchObject({ code: status.INVALID_ARGUMENT });
    expect(service.log.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { reason: 'FRAME_INVALID', peer: 'edge' },
    ]);
    sound.send({ calls: [callOf(1)] });
    expect(await sound.untilAnswered(1)).toMatchObject([{ code: status.OK }]);
    expect(await sound.end()).toMatchObject({ code: status.OK });
  });

  it('bytes that are no frame', async () => {
    const stream = new RawStream(() => Buffer.alloc(100, 0xff)).send({});
    expect((await stream.ended).code).not.toBe(status.OK);
    const sound = new RawStream().send({ tokens: [token()], calls: [callOf(1)] });
    expect(await sound.untilAnswered(1)).toMatchObject([{ code: status.OK }]);
    await sound.end();
  });

  it('and ends the calls that it has begun', async () => {
    const gone = Promise.withResolvers<void>();
    service.scripts.set('1', ({ gone: signal }) => (signal?.addEventListener('abort', () => gone.resolve()), never()));
    const stream = new RawStream().send({ tokens: [token()], calls: [callOf(1)] });
    await expect.poll(() => service.begun).toBe(1);
    stream.send({ calls: [callOf(1)] });
    await gone.promise;
  });
});

it.each<[string, Partial<StreamedCall>, status]>([
  ['a method that does not exist', { method: '/rapport.auth.v1.AuthService/Nothing' }, status.UNIMPLEMENTED],
  ['a method with streams', { method: '/rapport.customers.v1.ChangeFeedService/Subscribe' }, status.UNIMPLEMENTED],
  ['a request that is no message', { request: Buffer.alloc(9, 0xff) }, status.INTERNAL],
  ['no principal', { token: 0 }, status.UNAUTHENTICATED],
])('a call is refused alone for %s', async (_what, wrong, code) => {
  const stream = new RawStream().send({ tokens: [token()], calls: [callOf(1, wrong), callOf(2)] });
  const answers = await stream.untilAnswered(2);
  expect(answers.find(({ number }) => number === 1)).toMatchObject({ code, refused: false });
  expect(answers.find(({ number }) => number === 2)).toMatchObject({ code: status.OK });
  await stream.end();
});

it('a call that was left before its principal was verified reaches no handler', async () => {
  const stream = new RawStream().send({ tokens: [token()], calls: [callOf(1)], cancelledCalls: [1] });
  stream.send({ calls: [callOf(2)] });
  await stream.untilAnswered(1);
  expect(service.begun).toBe(1);
  await stream.end();
});

it('a token that was forgotten stands for nobody', async () => {
  const stream = new RawStream().send({ tokens: [token()], calls: [callOf(1)], forgottenTokens: [1] });
  expect(await stream.untilAnswered(1)).toMatchObject([{ code: status.OK }]);
  stream.send({ calls: [callOf(2)] });
  expect(await stream.ended).toMatchObject({ code: status.INVALID_ARGUMENT });
});

it('a principal whose token expires is refused from then on', async () => {
  const { publicKey, sign } = signerOf();
  const short = await ScriptedService.start(new PrincipalVerifier(publicKey));
  await service.stop();
  service = short;
  const stream = new RawStream().send({ tokens: [token(1, await sign(2))] });
  let number = 0;
  const lastCode = async () => {
    number += 1;
    stream.send({ calls: [callOf(number)] });
    return (await stream.untilAnswered(number)).at(-1)?.code;
  };
  expect(await lastCode()).toBe(status.OK);
  await expect.poll(lastCode).toBe(status.UNAUTHENTICATED);
  await stream.end();
});

it('calls beyond those that may be running are refused, and taken once there is room', async () => {
  const answer = Promise.withResolvers<string>();
  for (let number = 1; number <= 4_000; number += 1) service.scripts.set(String(number), () => answer.promise);
  const stream = new RawStream().send({ tokens: [token()] });
  stream.send({ calls: Array.from({ length: 4_001 }, (_, index) => callOf(index + 1)) });
  expect(await stream.untilAnswered(1)).toMatchObject([{ number: 4_001, refused: true, code: status.UNAVAILABLE }]);
  answer.resolve('');
  await stream.untilAnswered(4_001);
  stream.send({ calls: [callOf(4_002)] });
  expect((await stream.untilAnswered(4_002)).at(-1)).toMatchObject({ number: 4_002, code: status.OK });
  await stream.end();
});

it('a process that ends says so, answers what it has begun, and refuses what follows', async () => {
  const answer = Promise.withResolvers<string>();
  service.scripts.set('1', () => answer.promise);
  const stream = new RawStream().send({ tokens: [token()], calls: [callOf(1)] });
  await expect.poll(() => service.begun).toBe(1);
  const stopped = service.stop();
  await expect.poll(() => stream.frames.map(({ end }) => end)).toEqual([StreamEnd.DRAINING]);
  stream.send({ calls: [callOf(2)] });
  expect(await stream.untilAnswered(1)).toMatchObject([{ number: 2, refused: true }]);
  answer.resolve('');
  expect((await stream.untilAnswered(2)).at(-1)).toMatchObject({ number: 1, code: status.OK });
  expect(await stream.end()).toMatchObject({ code: status.OK });
  await stopped;
  expect(service.begun).toBe(1);
  service = await ScriptedService.start(new PrincipalVerifier(signer.publicKeys));
});

const openStreams = async () => (await metrics.getSingleMetric('rapport_call_streams')?.get())?.values[0]?.value ?? 0;

/** A client whose calls go by stream from now on. */
async function connect(): Promise<ContractClient> {
  const client = new ContractClient(service.address, [methods]);
  await callBy(client, 'first', signer.sign(caller));
  await expect.poll(openStreams).toBe(1);
  return client;
}

function callBy(client: ContractClient, requestId: string, principalToken: string): Promise<unknown> {
  return client.unary(methods.getTenant.path, {}, { context: { requestId, principalToken }, deadlineMs: 30_000 });
}

describe('calls of many principals are all answered', () => {
  let client: ContractClient;

  beforeEach(async () => {
    client = await connect();
  });
  afterEach(async () => {
    client.close();
    await expect.poll(openStreams).toBe(0);
  });

  it('when their tokens are longer in all than a message may be', async () => {
    const permissions = ['tenant.read', 'x'.repeat(5_000)];
    const tokens = Array.from({ length: 1_500 }, (_, index) =>
      signer.sign({ ...caller, principalId: `apiKey:${index}`, permissions }),
    );
    expect(tokens.join('').length).toBeGreaterThan(8 * 1024 * 1024);
    await Promise.all(tokens.map((each) => callBy(client, 'next', each)));
    expect(service.begun).toBe(1 + tokens.length);
  });

  it('when they are more than a stream may know', async () => {
    for (let round = 0; round < 11; round += 1) {
      const tokens = Array.from({ length: 1_000 }, (_, index) =>
        signer.sign({ ...caller, principalId: `apiKey:${round}-${index}` }),
      );
      await Promise.all(tokens.map((each) => callBy(client, 'next', each)));
    }
    expect(service.begun).toBe(1 + 11_000);
  });
});

describe('of two replicas', () => {
  let replicas: ScriptedService[];
  let client: ContractClient;
  let stopNames: () => Promise<void>;

  const call = (requestId: string) => callBy(client, requestId, signer.sign(caller));

  beforeEach(async () => {
    const [port, principals] = [await freePort(), new PrincipalVerifier(signer.publicKeys)];
    const hosts = ['127.0.0.1', '127.0.0.2'];
    replicas = await Promise.all(hosts.map((host) => ScriptedService.start(principals, { host, port })));
    const names = await startNameServer();
    stopNames = () => names.stop();
    names.set('tenants', hosts);
    client = new ContractClient(`dns://${names.address}/tenants.local:${port}`, [methods]);
    // Plain gRPC, which the first call goes by, does not know this name server.
    await expect.poll(() => call('first').then(openStreams, () => 0)).toBe(2);
  });
  afterEach(async () => {
    client.close();
    await expect.poll(openStreams).toBe(0);
    await Promise.all(replicas.map((replica) => replica.stop()));
    await stopNames();
  });

  it('the one that is less busy gets the next call', async () => {
    const answer = Promise.withResolvers<string>();
    for (const { scripts } of replicas) scripts.set('held', () => answer.promise);
    for (const replica of replicas) replica.begun = 0;
    const held = call('held');
    await expect.poll(() => replicas.map(({ begun }) => begun).sort()).toEqual([0, 1]);
    const idle = replicas.find(({ begun }) => begun === 0);
    for (let count = 0; count < 20; count += 1) await call('next');
    expect(idle?.begun).toBe(20);
    answer.resolve('');
    await held;
  });

  it('both get calls while they are equally busy', async () => {
    for (let count = 0; count < 100; count += 1) await call('next');
    for (const { begun } of replicas) expect(begun).toBeGreaterThan(10);
  });

  it('one that ends costs no call', async () => {
    let isOver = false;
    const lanes = Array.from({ length: 8 }, async () => {
      while (!isOver) await call('next');
    });
    await replicas[0]?.stop();
    const before = replicas[1]?.begun ?? 0;
    await expect.poll(() => replicas[1]?.begun).toBeGreaterThan(before + 500);
    isOver = true;
    await Promise.all(lanes);
  });
});

/** Signs tokens that live for as long as the test says. */
function signerOf() {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'EdDSA', use: 'sig' };
  const sign = (seconds: number) =>
    new SignJWT({ tid: 't', perms: ['tenant.read'] })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'rapport-principal+jwt', kid: 'k' })
      .setIssuer('rapport-auth')
      .setAudience('rapport-services')
      .setSubject('apiKey:a')
      .setIssuedAt()
      .setExpirationTime(`${seconds}s`)
      .sign(privateKey);
  return { publicKey: { keys: [jwk] }, sign };
}
