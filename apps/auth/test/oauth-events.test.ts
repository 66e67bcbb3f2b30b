import {
  SecurityEventsServiceService as Methods,
  type ListSecurityEventsResponse,
} from '@rapport/contracts/rapport/auth/v1/security_events_service';
import { OAuthClient } from '@rapport/contracts/rapport/auth/v1/oauth_clients_service';
import type { AuditVerification } from '@rapport/contracts/rapport/api/v1/audit';
import { Tenant } from '@rapport/contracts/rapport/auth/v1/auth_service';
import { Team } from '@rapport/contracts/rapport/auth/v1/teams_service';
import { v7 } from 'uuid';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { publicClient, RunningProvider, type Client, type User } from './running-provider.js';

let provider: RunningProvider;
let client: Client;
let user: User;

beforeAll(async () => {
  provider = await RunningProvider.shared();
  client = await provider.newClient();
  user = await provider.newUser();
});
afterAll(() => provider.stop());
afterEach(async () => {
  const verified = await ask<AuditVerification>(Methods.verifySecurityEvents.path, {});
  expect(verified).toMatchObject({ isComplete: true, fault: undefined });
});

async function ask<Answer>(path: string, request: object): Promise<Answer> {
  const context = { requestId: v7(), principalToken: provider.auth.principalToken(provider.caller) };
  return (await provider.auth.contract.unary(path, request, { context, deadlineMs: 20_000 })) as Answer;
}

/** Newest first. */
async function eventsOf(record: string) {
  const { entries } = await ask<ListSecurityEventsResponse>(Methods.listSecurityEvents.path, { record, pageSize: 200 });
  return entries;
}

test('events record the creation, change, rotation and deletion of a client, without its secrets', async () => {
  const { record } = await provider.newClient();
  const { id } = record;
  const changed = { ...OAuthClient.decode(new Uint8Array()), permissions: ['customers.read'] };
  await provider.call('updateOAuthClient', { id, oauthClient: changed, updateMask: ['permissions'] }, provider.caller);
  const { secret } = await provider.call('rotateOAuthClientSecret', { id }, provider.caller);
  await provider.call('deleteOAuthClient', { id }, provider.caller);

  const events = await eventsOf(`oauthClient/${id}`);

  expect(events.map(({ kind }) => kind)).toEqual([
    'OAUTH_CLIENT_DELETED',
    'OAUTH_CLIENT_SECRET_ROTATED',
    'OAUTH_CLIENT_CHANGED',
    'OAUTH_CLIENT_CREATED',
  ]);
  expect(events[2]).toMatchObject({ actor: provider.caller.principalId, detail: { permissions: ['customers.read'] } });
  for (const value of [record.secret, secret]) expect(JSON.stringify(events)).not.toContain(value);
});

test('events record the creation, change and deletion of a team', async () => {
  const team = { ...Team.decode(new Uint8Array()), displayName: 'North' };
  const { id } = await provider.auth.call('createTeam', { team }, provider.caller);
  const changed = { ...team, displayName: 'South' };
  await provider.auth.call('updateTeam', { id, team: changed, updateMask: ['displayName'] }, provider.caller);
  await provider.auth.call('deleteTeam', { id }, provider.caller);

  expect((await eventsOf(`team/${id}`)).map(({ kind }) => kind)).toEqual([
    'TEAM_DELETED',
    'TEAM_CHANGED',
    'TEAM_CREATED',
  ]);
});

test('an event records that a tenant gets another name', async () => {
  const tenant = { ...Tenant.decode(new Uint8Array()), displayName: ' Kestrel & Söhne ' };
  const changed = await provider.auth.call('updateTenant', { tenant, updateMask: ['displayName'] }, provider.caller);
  const { tenantId } = provider.caller;

  expect(changed).toMatchObject({ id: tenantId, displayName: 'Kestrel & Söhne', plan: 'standard' });
  expect(await provider.auth.call('getTenant', {}, provider.caller)).toEqual(changed);
  expect((await eventsOf(`tenant/${tenantId}`)).map(({ kind }) => kind)).toEqual(['TENANT_CHANGED']);
});

test.each([
  ['a blank name', { displayName: ' ' }, 'displayName', { field: 'tenant.displayName', reason: 'REQUIRED' }],
  ['the plan', { plan: 'large' }, 'plan', { field: 'tenant.plan', reason: 'OUTPUT_ONLY' }],
  ['an unknown field', {}, 'colour', { field: 'updateMask', reason: 'UNKNOWN_FIELD' }],
])('a tenant refuses %s', async (_what, change, field, violation) => {
  const before = await provider.auth.call('getTenant', {}, provider.caller);
  const tenant = { ...Tenant.decode(new Uint8Array()), ...change };
  const refused = provider.auth.call('updateTenant', { tenant, updateMask: [field] }, provider.caller);

  await expect(refused).rejects.toMatchObject({ violations: [expect.objectContaining(violation)] });
  expect(await provider.auth.call('getTenant', {}, provider.caller)).toEqual(before);
});

test('an event records a consent: user, client address, OAuth client and scopes', async () => {
  await provider.signIn(client, user);

  const [event] = await eventsOf(`user/${user.id}`);

  expect(event).toMatchObject({
    kind: 'CONSENT_GIVEN',
    actor: `user:${user.id}`,
    records: [{ name: `oauthClient/${client.record.id}` }, { name: `user/${user.id}` }],
    detail: { address: '127.0.0.1', scopes: ['openid', 'offline_access', 'customers.read'] },
  });
});

test('an event records each revocation of tokens once, of a user and of the client itself', async () => {
  const revoking = await provider.newClient();
  const tokens = await provider.signIn(revoking, user);
  await provider.revoke(revoking, tokens.access_token);
  await provider.revoke(revoking, tokens.access_token);
  const { access_token: token } = await provider.clientCredentials(revoking);
  await provider.revoke(revoking, token);

  const events = (await eventsOf(`oauthClient/${revoking.record.id}`)).filter(({ kind }) => kind === 'TOKEN_REVOKED');

  expect(events).toMatchObject([
    { actor: `client:${revoking.record.id}`, detail: { token: 'ClientCredentials' } },
    { records: [{}, { name: `user/${user.id}` }], detail: { token: 'AccessToken' } },
  ]);
});

test('there is no event for a token of another client', async () => {
  const [owner, other] = [await provider.newClient(), await provider.newClient()];
  const { refresh_token: token = '' } = await provider.signIn(owner, user);

  await provider.revoke(other, token);

  for (const { record } of [owner, other]) {
    const kinds = (await eventsOf(`oauthClient/${record.id}`)).map(({ kind }) => kind);
    expect(kinds).not.toContain('TOKEN_REVOKED');
  }
});

test('an event records the reuse of a refresh token', async () => {
  const reused = await provider.newClient(publicClient);
  const { refresh_token: token = '' } = await provider.signIn(reused, user);
  await provider.refresh(reused, token);

  await expect(provider.refresh(reused, token)).rejects.toMatchObject({ error: 'invalid_grant' });

  expect((await eventsOf(`oauthClient/${reused.record.id}`))[0]).toMatchObject({
    kind: 'TOKEN_REUSED',
    actor: `client:${reused.record.id}`,
    records: [{}, { name: `user/${user.id}` }],
    detail: { outcome: 'DENIED', token: 'RefreshToken' },
  });
});

test('an event records that a user disconnects an app', async () => {
  const left = await provider.newClient();
  await provider.signIn(left, user);
  const caller = await provider.auth.callerOfUser(provider.caller, user.id);

  await provider.auth.call('disconnectApp', { id: left.record.id }, caller);

  expect((await eventsOf(`oauthClient/${left.record.id}`))[0]).toMatchObject({
    kind: 'GRANT_REVOKED',
    actor: `user:${user.id}`,
  });
});
