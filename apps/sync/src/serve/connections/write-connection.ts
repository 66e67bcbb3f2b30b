import { isDeepStrictEqual } from 'node:util';
import { LockMode, type EntityManager } from '@mikro-orm/postgresql';
import { readMask, type Updatable } from '@rapport/contracts';
import {
  ConnectionState,
  type Connection as ConnectionMessage,
  type CreateConnectionRequest,
  type DeleteConnectionRequest,
  type UpdateConnectionRequest,
} from '@rapport/contracts/rapport/sync/v1/connections_service';
import { checkEtag, recordAuditEvent } from '@rapport/persistence';
import { AppError, currentCaller, invalidArgument, type AuditKind } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import type { JsonObject } from '../../connectors/peer-record.js';
import { checkRights, lastingPrincipal } from '../../exchange/connections/check-rights.js';
import { Connection } from '../../exchange/connections/connection.entity.js';
import { findConnection } from '../../exchange/connections/find-connection.js';
import { openSecrets, type Peers } from '../../exchange/connections/open-connection.js';
import { Mapping } from '../../exchange/mappings/mapping.entity.js';
import { scheduleMappings } from '../../exchange/runs/mapping-schedule.js';
import { areWriting } from '../../exchange/writes/end-writes.js';
import { rowOwner } from '../../storage/sealed-row.js';
import type { SecretEnvelope } from '../../storage/secret-envelope.js';
import { checkUnreferenced } from '../mappings/referenced-mappings.js';
import { connectionMessage } from './connection-message.js';

const maxConnections = 100;
const defaultPollSeconds = 300;

const updatable: Updatable<'displayName' | 'settings' | 'secrets' | 'state' | 'pollSeconds'> = {
  name: 'connection',
  noun: 'a connection',
  fields: ['displayName', 'settings', 'secrets', 'state', 'pollSeconds'],
  fixed: {
    connector: 'IMMUTABLE',
    ...Object.fromEntries(
      ['id', 'principalId', 'secretNames', 'etag', 'createTime', 'updateTime', 'createdBy'].map((field) => [
        field,
        'OUTPUT_ONLY',
      ]),
    ),
  },
};

/** Handles CreateConnection. Like all functions here, it runs in a transaction. */
export async function createConnection(
  em: EntityManager,
  peers: Peers,
  envelope: SecretEnvelope,
  request: CreateConnectionRequest,
): Promise<ConnectionMessage> {
  checkRights();
  const wanted = sent(request);
  const { tenantId, principalId } = currentCaller();
  await checkRoom(em, tenantId);
  await em.execute('insert into connection_tenant (tenant_id) values (?) on conflict do nothing', [tenantId]);
  const now = new Date();
  const connection = em.create(Connection, {
    tenantId,
    id: uuidv7(),
    connector: wanted.connector,
    ...content(wanted),
    sealedSecrets: Buffer.alloc(0),
    secretNames: [],
    principalId: lastingPrincipal(),
    version: 1,
    createTime: now,
    updateTime: now,
    createdBy: principalId,
  });
  configure(connection, peers, envelope, wanted.settings ?? {}, wanted.secrets ?? {});
  await em.flush();
  const address = [connection.id, tenantId];
  await em.execute('insert into hook_address (connection_id, tenant_id) values (?, ?)', address);
  await note(em, 'CONNECTION_CREATED', connection);
  return connectionMessage(connection);
}

export async function updateConnection(
  em: EntityManager,
  peers: Peers,
  envelope: SecretEnvelope,
  request: UpdateConnectionRequest,
): Promise<ConnectionMessage> {
  checkRights();
  const changes = sent(request);
  const mask = readMask(request.updateMask, updatable);
  const connection = await findConnection(em, request.id, LockMode.PESSIMISTIC_WRITE);
  checkEtag(request.etag, connection.version);
  const before = { ...connectionMessage(connection), secrets: openSecrets(envelope, connection) };
  const named = Object.fromEntries(mask.map((field) => [field, changes[field]]));
  const secrets = mask.includes('secrets') ? withSecrets(before.secrets, changes.secrets) : before.secrets;
  const wanted = { ...before, ...named, secrets };
  const given = mask.includes('secrets') ? changes.secrets : {};
  peers.checkDestination(connection, wanted.settings ?? {}, Object.keys(given ?? {}));
  const principalId = lastingPrincipal();
  if (isDeepStrictEqual({ ...wanted, principalId }, before)) return connectionMessage(connection);
  em.assign(connection, { ...content(wanted), principalId, version: connection.version + 1, updateTime: new Date() });
  configure(connection, peers, envelope, wanted.settings ?? {}, secrets);
  await em.flush();
  await scheduleMappings(em, { connectionId: connection.id });
  await note(em, 'CONNECTION_CHANGED', connection, { fields: mask });
  return connectionMessage(connection);
}

/** @returns the etag of a connection that is only disabled yet: it can be deleted once the writes of its runs have ended */
export async function deleteConnection(
  em: EntityManager,
  request: DeleteConnectionRequest,
): Promise<{ etag: string } | undefined> {
  const connection = await findConnection(em, request.id, LockMode.PESSIMISTIC_WRITE);
  checkEtag(request.etag, connection.version);
  const mappings = { tenantId: connection.tenantId, connectionId: connection.id };
  const ids = (await em.find(Mapping, mappings, { fields: ['id'] })).map(({ id }) => id);
  await checkUnreferenced(em, connection.tenantId, ids);
  if (await areWriting(em, { connectionId: connection.id })) return disable(em, connection);
  await em.execute('delete from mapping_schedule where connection_id = ?', [connection.id]);
  await em.nativeDelete(Mapping, mappings);
  em.remove(connection);
  await em.flush();
  await note(em, 'CONNECTION_DELETED', connection);
  return undefined;
}

async function disable(em: EntityManager, connection: Connection): Promise<{ etag: string }> {
  if (connection.state === 'ENABLED') {
    em.assign(connection, { state: 'DISABLED', version: connection.version + 1, updateTime: new Date() });
    await em.flush();
    await scheduleMappings(em, { connectionId: connection.id });
    await note(em, 'CONNECTION_CHANGED', connection, { fields: ['state'] });
  }
  return { etag: connectionMessage(connection).etag };
}

function sent({ connection }: { connection?: ConnectionMessage | undefined }): ConnectionMessage {
  if (connection) return connection;
  throw invalidArgument([{ field: 'connection', reason: 'REQUIRED', description: 'is required' }]);
}

function content({ displayName, state, pollSeconds }: ConnectionMessage) {
  const isDisabled = state === ConnectionState.DISABLED;
  return {
    displayName,
    settings: {},
    state: isDisabled ? ('DISABLED' as const) : ('ENABLED' as const),
    pollSeconds: pollSeconds || defaultPollSeconds,
  };
}

/** Named secrets replace stored ones; null removes one. */
function withSecrets(before: JsonObject, changes: Record<string, unknown> = {}): JsonObject {
  const entries = Object.entries({ ...before, ...changes }).filter(([, value]) => value !== null);
  return Object.fromEntries(entries) as JsonObject;
}

function configure(
  connection: Connection,
  peers: Peers,
  envelope: SecretEnvelope,
  settings: Record<string, unknown>,
  secrets: Record<string, unknown>,
): void {
  peers.checkConfiguration(connection, settings as JsonObject, secrets as JsonObject);
  connection.settings = settings as JsonObject;
  const owner = rowOwner('connection', connection.tenantId, connection.id);
  connection.sealedSecrets = envelope.seal(Buffer.from(JSON.stringify(secrets)), owner);
  connection.secretNames = Object.keys(secrets).sort();
}

/** Serializes the creation of a tenant's connections, so that the count includes concurrent ones. */
async function checkRoom(em: EntityManager, tenantId: string): Promise<void> {
  await em.execute('select pg_advisory_xact_lock(hashtextextended(?, 0))', [`connection ${tenantId}`]);
  if ((await em.count(Connection, { tenantId })) < maxConnections) return;
  const message = `A tenant can have at most ${maxConnections} connections.`;
  throw new AppError('RESOURCE_EXHAUSTED', 'CONNECTION_LIMIT', message);
}

async function note(em: EntityManager, kind: AuditKind, connection: Connection, more: object = {}): Promise<void> {
  const { id, connector } = connection;
  await recordAuditEvent(em, { kind, records: [`connection/${id}`], detail: { connector, ...more } });
}
