import { createHmac, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import type { Caller } from '@rapport/platform';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OutgoingCall } from '../src/calls/frames.js';
import { ContractClient } from '../src/client/contract-client.js';
import { PrincipalSigner } from '../src/principals/principal-signer.js';
import { PrincipalVerifier } from '../src/principals/principal-verifier.js';
import { methods, services, startService } from './running-service.js';

const { privateKey } = generateKeyPairSync('ed25519');
const caller: Caller = { tenantId: 't', principalId: 'apiKey:a', permissions: ['tenant.read'] };
const stops: (() => unknown)[] = [];
let signer: PrincipalSigner;
let client: ContractClient;
/** Of a service that can't identify the calling process. */
let unknown: ContractClient;

beforeAll(async () => {
  signer = await PrincipalSigner.of(privateKey);
  const principals = new PrincipalVerifier(signer.publicKeys);
  client = await start({ principals, peer: 'edge' });
  unknown = await start({ principals });
});
afterAll(() => Promise.all(stops.map((stop) => stop())));

async function start(options: Parameters<typeof startService>[0]): Promise<ContractClient> {
  const { address, stop } = await startService(options);
  const started = new ContractClient(address, services);
  stops.push(() => (started.close(), stop()));
  return started;
}

/** The call as the handler sees it. */
async function seen(context: Partial<OutgoingCall>, by = client): Promise<unknown> {
  const options = { context: { requestId: 'r', ...context }, deadlineMs: 10_000 };
  const tenant = (await by.unary(methods.getTenant.path, {}, options)) as { displayName: string };
  return JSON.parse(tenant.displayName);
}

async function subscribed(context: Partial<OutgoingCall>, by = client): Promise<unknown> {
  const options = { context: { requestId: 'r', ...context }, deadlineMs: 10_000 };
  const requests = ReadableStream.from([{ types: [], credit: 1 }]);
  const { value } = await by.duplex(methods.subscribe.path, requests, options).next();
  return JSON.parse((value as { cursor: string }).cursor);
}

describe('a call with a principal token', () => {
  it.each<Caller>([
    caller,
    { ...caller, recordScope: 'TEAM', teamIds: ['x', 'y'], hidesPii: true },
    { ...caller, recordScope: 'OWN' },
  ])('is made for whom auth has named: %j', async (named) => {
    expect(await seen({ principalToken: signer.sign(named) })).toEqual({ requestId: 'r', isRead: true, caller: named });
  });

  it('lacks a permission that is not in the token', async () => {
    const principalToken = signer.sign({ ...caller, permissions: ['tenant.write'] });
    await expect(seen({ principalToken })).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
  });

  it('may reach a public method without one, or with a valid one', async () => {
    const call = (principalToken: string) =>
      client.unary(
        methods.authenticateApiKey.path,
        { key: 'k' },
        { context: { requestId: 'r', principalToken }, deadlineMs: 5_000 },
      );
    await expect(call('')).resolves.toMatchObject({ plan: '{"requestId":"r","isRead":true}' });
    await expect(call('a.b.c')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });
});

describe('a call is refused as UNAUTHENTICATED', () => {
  const now = Math.floor(Date.now() / 1_000);
  const claims = { iss: 'rapport-auth', aud: 'rapport-services', sub: 'apiKey:a', tid: 't', perms: ['tenant.read'] };
  const times = { iat: now, exp: now + 60 };
  const header = () => ({ alg: 'EdDSA', typ: 'rapport-principal+jwt', kid: signer.publicKeys.keys[0]?.kid ?? '' });
  const signed = (more: object, moreOfHeader: object = {}, key = privateKey) =>
    new SignJWT({ ...claims, ...times, ...more }).setProtectedHeader({ ...header(), ...moreOfHeader }).sign(key);
  const by = (moreOfHeader: object, signText: (text: string) => string) => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const text = `${part({ ...header(), ...moreOfHeader })}.${part({ ...claims, ...times })}`;
    return `${text}.${signText(text)}`;
  };
  const publicPem = () => createPublicKey(privateKey).export({ type: 'spki', format: 'pem' });
  const otherKey = generateKeyPairSync('ed25519').privateKey;

  it('a correct token is accepted', async () => {
    expect(await seen({ principalToken: await signed({}) })).toMatchObject({ caller });
  });

  it.each<[string, () => string | Promise<string>]>([
    ['without a token', () => ''],
    ['with other text', () => 'a.b.c'],
    ['by another key under the same name', () => signed({}, {}, otherKey)],
    ['by another key under its own name', async () => (await PrincipalSigner.of(otherKey)).sign(caller)],
    ['by a key that has no name', () => signed({}, { kid: undefined }, otherKey)],
    ['with a changed claim', async () => changed(await signed({}))],
    ['by nobody', () => by({ alg: 'none' }, () => '')],
    [
      'by the public key as a secret',
      () => by({ alg: 'HS256' }, (t) => createHmac('sha256', publicPem()).update(t).digest('base64url')),
    ],
    ['when it has expired', () => signed({ iat: now - 61, exp: now - 1 })],
    ['when it never expires', () => signed({ exp: undefined })],
    ['before it begins', () => signed({ nbf: now + 60 })],
    ['for another audience', () => signed({ aud: 'rapport-api' })],
    ['from another issuer', () => signed({ iss: 'another' })],
    ['of another type, such as an access token', () => signed({}, { typ: 'at+jwt' })],
    [
      'with an unknown critical header',
      () => by({ crit: ['exp2'], exp2: 1 }, (t) => sign(null, Buffer.from(t), privateKey).toString('base64url')),
    ],
    ['without a tenant', () => signed({ tid: undefined })],
    ['with an unknown record scope', () => signed({ scope: 'GALAXY' })],
    ['beyond 8 KiB', () => signed({ perms: ['tenant.read', 'x'.repeat(8_192)] })],
  ])('%s', async (_what, token) => {
    await expect(seen({ principalToken: await token() })).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
      reason: expect.stringMatching(/^PRINCIPAL_(MISSING|INVALID)$/) as string,
    });
  });
});

describe('an internal method', () => {
  it('accepts calls of the platform’s processes themselves', async () => {
    const permissions = ['platform.internal'];
    const tenantId = '00000000-0000-0000-0000-000000000000';
    expect(await subscribed({})).toEqual({
      requestId: 'r',
      isRead: true,
      caller: { tenantId, principalId: 'service:edge', permissions },
    });
    const principalToken = signer.sign({ ...caller, permissions });
    await expect(subscribed({ principalToken })).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
  });

  it('refuses an unknown process', async () => {
    await expect(subscribed({}, unknown)).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
  });
});

it('trusts the cause of a call only from a process of the platform', async () => {
  const cause = { origin: 'sync', causationId: 'c', hop: 3 };
  const context = { principalToken: signer.sign(caller), cause };
  expect(await seen(context)).toEqual({ requestId: 'r', isRead: true, caller, cause });
  expect(await seen(context, unknown)).toEqual({ requestId: 'r', isRead: true, caller });
});

function changed(token: string): string {
  const [header = '', payload = '', signature = ''] = token.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object;
  return [header, Buffer.from(JSON.stringify({ ...claims, tid: 'other' })).toString('base64url'), signature].join('.');
}
