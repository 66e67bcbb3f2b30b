import { sharedPlatform, type SharedPlatform, type Tenant } from '@rapport/testing';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { ApiClient } from './api-client.ts';
import { ConsoleUser } from './console-user.ts';
import { newPerson, type Person } from './people.ts';

const workspace = `acme-${crypto.randomUUID().slice(0, 8)}`;

let platform: SharedPlatform;
let tenant: Tenant;
let api: ApiClient;
let ada: Person;

beforeAll(async () => {
  platform = await sharedPlatform(inject('platformUrl'));
  tenant = await platform.createTenant('Acme', undefined, workspace);
  api = await ApiClient.connect(platform.edgeUrl, tenant.apiKey);
  ada = await newPerson(platform, api, ['admin']);
}, 120_000);

const signIn = (options?: { code?: string; query?: string }) =>
  ConsoleUser.signIn(platform.edgeUrl, workspace, ada, options);

describe('a session of the console', () => {
  test('has the user, the workspace and the permissions of the user, and no token in any answer', async () => {
    const user = await signIn();
    const answer = await user.call('GET', '/console/session');
    const text = await answer.text();

    expect(answer.status, text).toBe(200);
    expect(JSON.parse(text)).toMatchObject({
      user: { id: ada.id, name: 'Ada Lovelace', email: ada.email },
      workspace: { id: tenant.tenantId, name: 'Acme', slug: workspace },
      permissions: expect.arrayContaining(['customers.read', 'users.write']),
      locale: 'en',
    });
    expect(text).not.toMatch(/eyJ/);
    expect((await user.call('GET', '/v1/customers')).status).toBe(200);
  });
});
