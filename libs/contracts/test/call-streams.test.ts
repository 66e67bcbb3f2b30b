import { generateKeyPairSync } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import type { Caller } from '@rapport/platform';
import { SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ContractClient } from '../src/client/contract-client.js';
import { StreamEnd, type CallFrame, type StreamedCall } from '../src/gen/rapport/api/v1/calls_service.js';
import { PrincipalSigner } from '../src/principals/principal-signer.js';
import { PrincipalVerifier } from '../src/principals/principal-verifier.js';
import { callOf, RawStream } from './raw-stream.js';
import { methods, ScriptedService } from './scripted-service.js';

const caller: Caller = { tenantId: 't', principalId: 'apiKey:a', permissions: ['tenant.read'] };
const never = () => new Promise<string>(() => undefined);

let signer: PrincipalSigner;
let service: ScriptedService;

beforeEach(async () => {
  signer = await PrincipalSigner.of();
  service = await ScriptedService.start(new PrincipalVerifier(signer.publicKeys));
});
afterEach(() => service.stop());

function openStream(encode?: (frame: CallFrame) => Buffer): RawStream {
  return new RawStream(service.address, encode);
}

function token(number = 1, text = signer.sign(caller)) {
  return { number, token: text };
}

it('answers of one moment share a frame, and a stream ends when all are sent', async () => {
  const calls = Array.from({ length: 100 }, (_, index) => callOf(index + 1));
  const { promise: allBegun, resolve } = Promise.withResolvers<void>();
  for (const { number } of calls) {
    service.scripts.set(String(number), async ({ requestId }) => {
      if (service.begun === calls.length) resolve();
      await allBegun;
      return requestId;
    });
  }
  const stream = openStream().send({ tokens: [token()], calls });
  const answers = await stream.untilAnswered(100);
  expect(new Set(answers.map(({ code }) => code))).toEqual(new Set([status.OK]));
  // One for each would be 100.
  expect(stream.frames.length).toBeLessThan(10);
  expect(await stream.end()).toMatchObject({ code: status.OK });
});

describe('a malformed frame ends its stream, and no other:', () => {
  it.each<[string, () => Partial<CallFrame>]>([
    ['a call with the number of another', () => ({ calls: [callOf(1), callOf(1)] })],
    ['a call with a lower number', () => ({ calls: [callOf(2), callOf(1)] })],
    ['a call without a number', () => ({ calls: [callOf(0)] })],
    ['a call by a token that was not sent', () => ({ calls: [callOf(1, { token: 9 })] })],
    ['a token with the number of another', () => ({ tokens: [token(1), token(1)] })],
    ['a token without a number', () => ({ tokens: [token(0)] })],
    [
      'more tokens than a stream may hold',
      () => ({ tokens: Array.from({ length: 10_001 }, (_, index) => token(index + 2, 't')) }),
    ],
    ['a request that is too large', () => ({ calls: [callOf(1, { request: Buffer.alloc(300_000) })] })],
  ])('%s', async (_what, frame) => {
    const sound = openStream().send({ tokens: [token()] });
    const stream = openStream()
      .send({ tokens: [token()] })
      .send(frame());
    expect(await stream.ended).toMatchObject({ code: status.INVALID_ARGUMENT });
    expect(service.log.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { reason: 'FRAME_INVALID', peer: 'edge' },
    ]);
    sound.send({ calls: [callOf(1)] });
    expect(await sound.untilAnswered(1)).toMatchObject([{ code: status.OK }]);
    expect(await sound.end()).toMatchObject({ code: status.OK });
  });

  it('bytes that are no frame', async () => {
    const stream = openStream(() => Buffer.alloc(100, 0xff)).send({});
    expect((await stream.ended).code).not.toBe(status.OK);
    const sound = openStream().send({ tokens: [token()], calls: [callOf(1)] });
    expect(await sound.untilAnswered(1)).toMatchObject([{ code: status.OK }]);
    await sound.end();
  });

  it('and ends the calls that it has begun', async () => {
    const gone = Promise.withResolvers<void>();
    service.scripts.set('1', ({ gone: signal }) => (signal?.addEventListener('abort', () => gone.resolve()), never()));
    const stream = openStream().send({ tokens: [token()], calls: [callOf(1)] });
    await expect.poll(() => service.begun).toBe(1);
    stream.send({ calls: [callOf(1)] });
    await gone.promise;
  });
});

it.each<[string, Partial<StreamedCall>, status]>([
  ['a method that does not exist', { method: '/rapport.auth.v1.AuthService/Nothing' }, status.UNIMPLEMENTED],
  ['a method with streams', { method: '/rapport.customers.v1.ChangeFeedService/Subscribe' }, status.UNIMPLEMENTED],
  ['a request that is no message', { request: Buffer.alloc(9, 0xff) }, status.INVALID_ARGUMENT],
  ['no principal', { token: 0 }, status.UNAUTHENTICATED],
])('a call is refused alone for %s', async (_what, wrong, code) => {
  const stream = openStream().send({ tokens: [token()], calls: [callOf(1, wrong), callOf(2)] });
  const answers = await stream.untilAnswered(2);
  expect(answers.find(({ number }) => number === 1)).toMatchObject({ code, refused: false });
  expect(answers.find(({ number }) => number === 2)).toMatchObject({ code: status.OK });
  await stream.end();
});

it('an answer that can not be encoded fails alone, and is logged', async () => {
  service.scripts.set('1', () => Promise.resolve(Object.create(null) as string));
  const stream = openStream().send({ tokens: [token()], calls: [callOf(1), callOf(2)] });
  const codes = (await stream.untilAnswered(2)).map(({ number, code }) => [number, code] as const);
  expect(Object.fromEntries(codes)).toEqual({ 1: status.INTERNAL, 2: status.OK });
  const logged = { err: { type: 'TypeError' }, requestId: '1', method: methods.getTenant.path };
  expect(service.log.map((line) => JSON.parse(line) as unknown)).toMatchObject([logged]);
  await stream.end();
});

it('an answer beyond the limit of clients fails alone', async () => {
  service.scripts.set('1', async () => 'x'.repeat(64 * 1024 * 1024));
  const stream = openStream().send({ tokens: [token()], calls: [callOf(1), callOf(2)] });
  const answers = await stream.untilAnswered(2);
  expect(answers.find(({ number }) => number === 1)).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
  expect(answers.find(({ number }) => number === 2)).toMatchObject({ code: status.OK });
  await stream.end();
});

it('no calls start for a client that does not read its answers, until it does', async () => {
  const other = new ContractClient(service.address, [methods]);
  const options = { context: { requestId: 'other', principalToken: signer.sign(caller) }, deadlineMs: 30_000 };
  const count = 200;
  for (let number = 1; number <= count; number += 1)
    service.scripts.set(String(number), async () => 'x'.repeat(100_000));
  const stream = openStream()
    .send({ tokens: [token()] })
    .pause();
  for (let number = 1; number <= count; number += 1) {
    stream.send({ calls: [callOf(number)] });
    // Once it is answered, the call before it would have been begun.
    await other.unary(methods.getTenant.path, {}, options);
  }
  expect(service.begun - count).toBeLessThan(count / 2);
  stream.resume();
  await stream.untilAnswered(count);
  expect(await stream.end()).toMatchObject({ code: status.OK });
  other.close();
});

it('an old stream asks its client for another one, and still accepts calls', async () => {
  await service.stop();
  service = await ScriptedService.start(new PrincipalVerifier(signer.publicKeys), { connectionAgeSeconds: 1 });
  const stream = openStream().send({ tokens: [token()] });
  await expect.poll(() => stream.frames.map(({ end }) => end)).toEqual([StreamEnd.AGE]);
  stream.send({ calls: [callOf(1)] });
  expect(await stream.untilAnswered(1)).toMatchObject([{ code: status.OK }]);
  expect(await stream.end()).toMatchObject({ code: status.OK });
});

it('a call that is cancelled before its principal is verified reaches no handler', async () => {
  const stream = openStream().send({ tokens: [token()], calls: [callOf(1)], cancelledCalls: [1] });
  stream.send({ calls: [callOf(2)] });
  await stream.untilAnswered(1);
  expect(service.begun).toBe(1);
  await stream.end();
});

it('a call by a token that was forgotten ends its stream', async () => {
  const stream = openStream().send({ tokens: [token()], calls: [callOf(1)], forgottenTokens: [1] });
  expect(await stream.untilAnswered(1)).toMatchObject([{ code: status.OK }]);
  stream.send({ calls: [callOf(2)] });
  expect(await stream.ended).toMatchObject({ code: status.INVALID_ARGUMENT });
});

it('a principal whose token expires is refused from then on', async () => {
  const { publicKey, sign } = signerOf();
  const short = await ScriptedService.start(new PrincipalVerifier(publicKey));
  await service.stop();
  service = short;
  const stream = openStream().send({ tokens: [token(1, await sign(2))] });
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

it('calls beyond the limit of running calls are refused, and accepted once there is room', async () => {
  const answer = Promise.withResolvers<string>();
  for (let number = 1; number <= 4_000; number += 1) service.scripts.set(String(number), () => answer.promise);
  const stream = openStream().send({ tokens: [token()] });
  stream.send({ calls: Array.from({ length: 4_001 }, (_, index) => callOf(index + 1)) });
  expect(await stream.untilAnswered(1)).toMatchObject([{ number: 4_001, refused: true, code: status.UNAVAILABLE }]);
  answer.resolve('');
  await stream.untilAnswered(4_001);
  stream.send({ calls: [callOf(4_002)] });
  expect((await stream.untilAnswered(4_002)).at(-1)).toMatchObject({ number: 4_002, code: status.OK });
  await stream.end();
});

it('an ending process announces it, answers running calls, and refuses later ones', async () => {
  const answer = Promise.withResolvers<string>();
  service.scripts.set('1', () => answer.promise);
  const stream = openStream().send({ tokens: [token()], calls: [callOf(1)] });
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
