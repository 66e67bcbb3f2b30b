import { AppError, type Caller } from '@rapport/platform';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ContractClient } from '../src/client/contract-client.js';
import { AnswerForm } from '../src/gen/rapport/api/v1/calls_service.js';
import { PrincipalSigner } from '../src/principals/principal-signer.js';
import { PrincipalVerifier } from '../src/principals/principal-verifier.js';
import { methods, openStreams, PlainContract, ScriptedService } from './scripted-service.js';
import { FragileProxy } from './fragile-proxy.js';

const caller: Caller = { tenantId: 't', principalId: 'apiKey:a', permissions: ['tenant.read'] };
const never = () => new Promise<string>(() => undefined);
const plainContract = new PlainContract();

let signer: PrincipalSigner;
let principals: PrincipalVerifier;
let service: ScriptedService;
let client: ContractClient;

beforeAll(async () => {
  signer = await PrincipalSigner.of();
  principals = new PrincipalVerifier(signer.publicKeys);
});

interface Options {
  principalToken?: string;
  deadlineMs?: number;
  signal?: AbortSignal;
  by?: ContractClient;
}

/** @returns the name of the tenant that the handler answers with */
async function call(requestId: string, { principalToken, deadlineMs = 30_000, signal, by = client }: Options = {}) {
  const context = { requestId, principalToken: principalToken ?? signer.sign(caller) };
  const options = { context, deadlineMs, ...(signal && { signal }) };
  const { displayName } = (await by.unary(methods.getTenant.path, {}, options)) as { displayName: string };
  return displayName;
}

/** A client whose calls all use one transport. */
async function connect(address: string, isStreamed: boolean): Promise<ContractClient> {
  const before = await openStreams();
  const made = new ContractClient(address, [methods], undefined, ...(isStreamed ? [] : [plainContract]));
  await call('first', { by: made });
  if (isStreamed) await expect.poll(openStreams).toBeGreaterThan(before);
  return made;
}

describe.each([
  ['plain gRPC', false],
  ['a call stream', true],
])('over %s', (_transport, isStreamed) => {
  beforeAll(async () => {
    service = await ScriptedService.start(principals);
  });
  afterAll(() => service.stop());
  beforeEach(async () => {
    client = await connect(service.address, isStreamed);
    service.begun = 0;
  });
  afterEach(async () => {
    client.close();
    service.scripts.clear();
    await expect.poll(openStreams).toBe(0);
  });

  it('each of many calls has its own answer', async () => {
    const ids = Array.from({ length: 2_000 }, (_, index) => `call ${index}`);
    expect(await Promise.all(ids.map((id) => call(id)))).toEqual(ids);
  });

  it('a call that requests JSON gets it, with the needed fields of the message', async () => {
    service.scripts.set('json', () => Promise.resolve('A "name"'));
    const context = { requestId: 'json', principalToken: signer.sign(caller) };
    const answered = client.json(methods.getTenant.path, {}, { context, deadlineMs: 30_000 }, AnswerForm.JSON);
    const text = Buffer.from('{"id":"","displayName":"A \\"name\\"","plan":""}');
    await expect(answered).resolves.toEqual([{ id: '', etag: '', text }]);
  });

  it('a request whose bytes are no message is an error of the caller', async () => {
    // A field of wire type 7, which does not exist.
    const requestSerialize = () => Buffer.from([0x0f]);
    const malformed = { getTenant: { ...methods.getTenant, requestSerialize } };
    const own = new ContractClient(service.address, [malformed], undefined, ...(isStreamed ? [] : [plainContract]));
    await expect(call('malformed', { by: own })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      reason: 'REQUEST_MALFORMED',
    });
    own.close();
  });

  it('a call ends at its deadline, and its handler with it', async () => {
    const { promise: gone, resolve } = Promise.withResolvers<void>();
    service.scripts.set('slow', ({ gone: signal, dueAt }) => {
      expect(dueAt).toBeGreaterThan(Date.now());
      signal?.addEventListener('abort', () => resolve());
      return never();
    });
    await expect(call('slow', { deadlineMs: 100 })).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    await gone;
  });

  it('a cancelled call ends its handler, and no other', async () => {
    const handlers = { begun: Promise.withResolvers<void>(), gone: Promise.withResolvers<void>() };
    const other = Promise.withResolvers<string>();
    service.scripts.set('other', () => other.promise);
    service.scripts.set('left', ({ gone }) => {
      gone?.addEventListener('abort', () => handlers.gone.resolve());
      handlers.begun.resolve();
      return never();
    });
    const stays = call('other');
    const leaving = new AbortController();
    const left = call('left', { signal: leaving.signal });
    await handlers.begun.promise;
    leaving.abort();
    await expect(left).rejects.toBeInstanceOf(AppError);
    await handlers.gone.promise;
    other.resolve('stays');
    expect(await stays).toBe('stays');
  });

  it('a call that is cancelled before it begins reaches no handler', async () => {
    await expect(call('left', { signal: AbortSignal.abort() })).rejects.toBeInstanceOf(AppError);
    await call('next');
    expect(service.begun).toBe(1);
  });

  it('an error arrives with all its details', async () => {
    const error = new AppError('INVALID_ARGUMENT', 'NOT_SO', 'Not so.', {
      violations: [{ field: 'name', reason: 'EMPTY', description: 'must not be empty' }],
      metadata: { limit: '3' },
      retryAfterSeconds: 7,
    });
    service.scripts.set('refused', () => Promise.reject(error));
    const { code, reason, message, violations, metadata, retryAfterSeconds } = error;
    await expect(call('refused')).rejects.toMatchObject({
      ...{ code, reason, message, violations, metadata, retryAfterSeconds },
    });
  });

  it('the text of an unexpected error stays in the service', async () => {
    service.scripts.set('broken', () => Promise.reject(new Error('secret')));
    await expect(call('broken')).rejects.toMatchObject({
      code: 'INTERNAL',
      message: expect.not.stringContaining('secret') as string,
    });
  });

  it('each call has its own principal, and is refused without a valid one', async () => {
    const names = Array.from({ length: 50 }, (_, index) => ({ ...caller, principalId: `apiKey:${index}` }));
    for (const { principalId } of names)
      service.scripts.set(principalId, async (context) => context.caller?.principalId ?? '');
    const seen = names.map((each) => call(each.principalId, { principalToken: signer.sign(each) }));
    expect(await Promise.all(seen)).toEqual(names.map(({ principalId }) => principalId));

    for (const principalToken of ['', 'a.b.c', (await PrincipalSigner.of()).sign(caller)])
      await expect(call('r', { principalToken })).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    const poor = signer.sign({ ...caller, permissions: [] });
    await expect(call('r', { principalToken: poor })).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
  });

  it('a principal works again after all tokens were dropped', async () => {
    await call('before');
    client.forgetPrincipals();
    expect(await call('after')).toBe('after');
  });

  it('a request of any size that breaks the rules of its fields is refused', async () => {
    for (const length of [1_000, 1_000_000]) {
      const options = { context: { requestId: 'r' }, deadlineMs: 30_000 };
      const asked = client.unary(methods.authenticateApiKey.path, { key: 'x'.repeat(length) }, options);
      await expect(asked).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    }
  });

  it('a request beyond the limit of a service fails, and no other', async () => {
    const other = Promise.withResolvers<string>();
    service.scripts.set('other', () => other.promise);
    const stays = call('other');
    const options = { context: { requestId: 'r' }, deadlineMs: 30_000 };
    const large = client.unary(methods.authenticateApiKey.path, { key: 'x'.repeat(9_000_000) }, options);
    await expect(large).rejects.toBeInstanceOf(AppError);
    other.resolve('stays');
    expect(await stays).toBe('stays');
  });

  it('large answers arrive complete, with small ones between them', async () => {
    const text = 'x'.repeat(3_000_000);
    service.scripts.set('large', async () => text);
    const answers = await Promise.all(['large', 'small', 'large', 'other', 'large'].map((id) => call(id)));
    expect(answers.map(({ length }) => length)).toEqual([text.length, 5, text.length, 5, text.length]);
  });

  it('an ending service answers running calls', async () => {
    const ending = await ScriptedService.start(principals);
    const by = await connect(ending.address, isStreamed);
    const begun = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<string>();
    ending.scripts.set('running', () => (begun.resolve(), answer.promise));
    const running = call('running', { by });
    await begun.promise;
    const stopped = ending.stop();
    await expect.poll(() => call('late', { by }).catch(({ reason }: AppError) => reason)).toBe('SERVICE_UNAVAILABLE');
    answer.resolve('answered');
    expect(await running).toBe('answered');
    await stopped;
    by.close();
  });

  it('a call whose connection breaks has an unknown outcome and is not repeated', async () => {
    const proxy = await FragileProxy.to(service.address);
    const by = await connect(proxy.address, isStreamed);
    const begun = Promise.withResolvers<void>();
    service.scripts.set('running', () => (begun.resolve(), never()));
    service.begun = 0;
    const running = call('running', { by });
    await begun.promise;
    proxy.breakAll();
    await expect(running).rejects.toMatchObject({ code: 'UNAVAILABLE', reason: 'SERVICE_UNAVAILABLE' });
    expect(await call('after', { by })).toBe('after');
    expect(service.begun).toBe(2);
    by.close();
    await proxy.stop();
  });

  it('no call is lost while connections reach their age', async () => {
    const aging = await ScriptedService.start(principals, { connectionAgeSeconds: 0.2 });
    const by = await connect(aging.address, isStreamed);
    const until = Date.now() + 1_500;
    const workers = Array.from({ length: 8 }, async (_, worker) => {
      for (let count = 0; Date.now() < until; count += 1)
        expect(await call(`${worker} ${count}`, { by })).toBe(`${worker} ${count}`);
    });
    await Promise.all(workers);
    by.close();
    await aging.stop();
  });
});
