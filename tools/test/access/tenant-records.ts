import { randomBytes } from 'node:crypto';
import type { SharedPlatform } from '@rapport/testing';
import type { ApiClient } from '../api-client.ts';
import { addExchange, addPeopleFile } from './add-exchange.ts';
import { addSession } from './add-session.ts';

/** Ids by collection: what comes after `/v1/` in the path of a record, such as `customers`. */
export type Ids = Readonly<Record<string, string>>;

/** A tenant's records, one of each collection that the paths of the contract name. */
export interface TenantRecords {
  living: Ids;
  /** One more, where an operation is about two records of a collection. */
  others: Ids;
  /** Only of the collections from which something can be deleted. */
  deleted: Ids;
}

/** A text that occurs in a tenant's records and nowhere else. */
export function newMarker(): string {
  return `k${randomBytes(8).toString('hex')}`;
}

/**
 * Makes the records of a tenant, all of them named by `marker`.
 *
 * @param withDeleted false when no deleted ones are needed
 */
export async function makeTenantRecords(
  platform: SharedPlatform,
  api: ApiClient,
  marker: string,
  withDeleted = true,
): Promise<TenantRecords> {
  const send = async (method: string, path: string, body?: object): Promise<unknown> => {
    const answer = await api.send(method, path, body && { body });
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const create = async (path: string, body: object) => ((await send('POST', path, body)) as { id: string }).id;
  const person = (name: string) => create('/v1/customers', { kind: 'PERSON', displayName: `${marker} ${name}` });
  const remove = async (collection: string, id: string) => {
    await send('DELETE', `/v1/${collection}/${id}`);
    return id;
  };

  const [ada, bob, eve] = [await person('Ada'), await person('Bob'), await person('Eve')];
  const associate = (type: string) => create('/v1/associations', { fromCustomerId: ada, type, toCustomerId: bob });
  const customField = async (key: string) => {
    await send('POST', '/v1/customFields', { key, type: 'TEXT', displayName: marker });
    return key;
  };
  const importMapping = async (key: string) => {
    await send('PUT', `/v1/importMappings/${key}`, { map: [`${marker}=display_name`] });
    return key;
  };
  const consent = { purpose: 'news', channel: 'EMAIL', state: 'GIVEN', legalBasis: 'CONSENT', source: marker };
  const suppress = (purpose: string) =>
    create('/v1/suppressions', { channel: 'EMAIL', address: `${marker}@example.com`, purpose, reason: 'BOUNCE' });
  const oauthClient = () =>
    create('/v1/oauthClients', {
      displayName: marker,
      confidential: true,
      grantTypes: ['CLIENT_CREDENTIALS'],
      // Who may change it must hold what it may do.
      permissions: ['oauthClients.write'],
    });
  const oauthClientId = await oauthClient();
  const webhookEndpoint = () =>
    create('/v1/webhookEndpoints', {
      url: 'https://hooks.example',
      eventTypes: ['merge.updated'],
      description: marker,
    });
  const endpoint = await webhookEndpoint();
  const { id: webhookDelivery } = (await send('POST', `/v1/webhookEndpoints/${endpoint}:test`)) as { id: string };
  const association = await associate('friend_of');
  const { merge } = (await send('POST', `/v1/customers/${bob}:merge`, { mergedId: eve })) as { merge: { id: string } };
  // Who may change it needs what it gives, and every caller has this.
  const permissions = ['account.read'];
  const makeRole = (name: string) => create('/v1/roles', { displayName: `${marker} ${name}`, permissions });
  const makeTeam = (name: string) => create('/v1/teams', { displayName: `${marker} ${name}` });
  const role = await makeRole('Reader');
  const makeUser = () =>
    create('/v1/users', { email: `${newMarker()}@example.com`, displayName: marker, roleIds: [role] });
  const user = await makeUser();
  const { id: tenantId } = (await send('GET', '/v1/tenant')) as { id: string };
  const { id: erasure } = (await send('POST', `/v1/customers/${await person('Max')}:erase`, { reason: marker })) as {
    id: string;
  };
  const operation = await create('/v1/imports', { contentType: 'text/csv' });
  const connection = () =>
    create('/v1/connections', {
      connector: 'file',
      displayName: marker,
      settings: { file: 'people.vcf', format: 'VCARD' },
    });
  await addPeopleFile(platform, tenantId);
  const connectionId = await connection();
  const mapping = () =>
    create('/v1/mappings', {
      ...{ connectionId, recordType: 'record', customerKind: 'PERSON', direction: 'TO_CUSTOMERS', state: 'PAUSED' },
      fields: [{ customerField: 'displayName', peerField: 'displayName' }],
    });
  const mappingId = await mapping();
  const { runId, conflictId, hookId } = await addExchange(platform, tenantId, mappingId);
  const makeDeleted = async (): Promise<Ids> => {
    const formerClientId = await remove('oauthClients', await oauthClient());
    return {
      customers: await remove('customers', await person('Zoe')),
      associations: await remove('associations', await associate('neighbour_of')),
      suppressions: await remove('suppressions', await suppress('surveys')),
      customFields: await remove('customFields', await customField(newMarker())),
      importMappings: await remove('importMappings', await importMapping(newMarker())),
      users: await remove('users', await makeUser()),
      roles: await remove('roles', await makeRole('Former')),
      teams: await remove('teams', await makeTeam('Former')),
      sessions: await remove('sessions', await addSession(platform, tenantId, user)),
      oauthClients: formerClientId,
      connectedApps: formerClientId,
      webhookEndpoints: await remove('webhookEndpoints', await webhookEndpoint()),
      connections: await remove('connections', await connection()),
      mappings: await remove('mappings', await mapping()),
    };
  };
  return {
    living: {
      customers: ada,
      associations: association,
      merges: merge.id,
      customFields: await customField(newMarker()),
      importMappings: await importMapping(newMarker()),
      imports: operation,
      operations: operation,
      consents: await create(`/v1/customers/${ada}/consents`, consent),
      suppressions: await suppress('news'),
      erasures: erasure,
      apiKeys: await create('/v1/apiKeys', { displayName: marker, permissions }),
      users: user,
      roles: role,
      teams: await makeTeam('North'),
      sessions: await addSession(platform, tenantId, user),
      oauthClients: oauthClientId,
      connectedApps: oauthClientId,
      webhookEndpoints: endpoint,
      webhookDeliveries: webhookDelivery,
      connections: connectionId,
      hooks: hookId,
      mappings: mappingId,
      syncRuns: runId,
      syncConflicts: conflictId,
    },
    others: { customers: bob },
    deleted: withDeleted ? await makeDeleted() : {},
  };
}
