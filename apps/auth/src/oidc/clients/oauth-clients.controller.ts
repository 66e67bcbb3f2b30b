import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, readMask, type ServiceHandlers, type Updatable } from '@rapport/contracts';
import type { Empty } from '@rapport/contracts/google/protobuf/empty';
import {
  OAuthClientsServiceService,
  type CreateOAuthClientRequest,
  type DeleteOAuthClientRequest,
  type GetOAuthClientRequest,
  type ListOAuthClientsRequest,
  type ListOAuthClientsResponse,
  type OAuthClient as OAuthClientMessage,
  type OAuthClientsServiceServer,
  type RotateOAuthClientSecretRequest,
  type UpdateOAuthClientRequest,
} from '@rapport/contracts/rapport/auth/v1/oauth_clients_service';
import { readPageToken, signPageToken } from '@rapport/persistence';
import {
  AppError,
  checkCredentialManagement,
  currentCaller,
  invalidArgument,
  type SecurityEventKind,
} from '@rapport/platform';
import { v7 } from 'uuid';
import { checkEscalation } from '../../access/check-escalation.js';
import { Secrets } from '../../storage/secrets.js';
import { recordSecurityEvent } from '../../security-events/security-event.js';
import { OAuthClient } from '../../storage/oauth-client.entity.js';
import { checkOriginLimit } from './allowed-origins.js';
import { consoleClientKey, generateClientSecret, hashClientSecret } from './client-id.js';
import { checkOAuthClient, grantTypeNames, rightsOfClient } from './check-oauth-client.js';
import { oauthClientMessage } from './oauth-client-message.js';

const updatable: Updatable<'displayName' | 'redirectUris' | 'grantTypes' | 'permissions' | 'allowedOrigins'> = {
  name: 'oauthClient',
  noun: 'an OAuth client',
  fields: ['displayName', 'redirectUris', 'grantTypes', 'permissions', 'allowedOrigins'],
  fixed: {
    confidential: 'IMMUTABLE',
    ...Object.fromEntries(
      ['id', 'clientId', 'secret', 'createTime', 'updateTime'].map((name) => [name, 'OUTPUT_ONLY']),
    ),
  },
};

@Controller()
@ImplementsService(OAuthClientsServiceService)
export class OAuthClientsController implements ServiceHandlers<OAuthClientsServiceServer> {
  constructor(
    private readonly em: EntityManager,
    private readonly secrets: Secrets,
  ) {}

  async createOAuthClient({ oauthClient: wanted }: CreateOAuthClientRequest): Promise<OAuthClientMessage> {
    if (!wanted) throw invalidArgument([{ field: 'oauthClient', reason: 'REQUIRED', description: 'is required' }]);
    checkCredentialManagement();
    checkOAuthClient(wanted);
    const secret = wanted.confidential ? generateClientSecret() : undefined;
    const { current, currentId } = this.secrets.apiKeyHmacKeys;
    const now = new Date();
    return this.em.transactional(async (em) => {
      const client = em.create(OAuthClient, {
        tenantId: currentCaller().tenantId,
        id: v7(),
        displayName: wanted.displayName,
        redirectUris: [...new Set(wanted.redirectUris)],
        grantTypes: grantTypeNames(wanted.grantTypes),
        permissions: [...new Set(wanted.permissions)],
        allowedOrigins: [...new Set(wanted.allowedOrigins)],
        secretHash: secret === undefined ? null : hashClientSecret(current, secret),
        secretKeyId: secret === undefined ? null : currentId,
        createTime: now,
        updateTime: now,
      });
      await checkOriginLimit(em, client);
      await recordClientEvent(em, 'OAUTH_CLIENT_CREATED', client);
      return oauthClientMessage(client, secret);
    });
  }

  async getOAuthClient({ id }: GetOAuthClientRequest): Promise<OAuthClientMessage> {
    return oauthClientMessage(await findOAuthClient(this.em, id));
  }

  async listOAuthClients({ pageSize = 50, pageToken }: ListOAuthClientsRequest): Promise<ListOAuthClientsResponse> {
    const { tenantId } = currentCaller();
    const binding = `ListOAuthClients ${tenantId}`;
    const [after] = pageToken === undefined ? [] : readPageToken(this.secrets.pageTokenKey, binding, pageToken);
    // UUIDv7 ids are ordered by creation time, so the primary key orders the clients by age.
    const clients = await this.em.find(
      OAuthClient,
      { tenantId, id: { $gt: consoleClientKey, ...(after ? { $lt: after } : {}) } },
      { orderBy: { id: 'desc' }, limit: pageSize + 1 },
    );
    const page = clients.slice(0, pageSize);
    const last = clients.length > pageSize ? page.at(-1) : undefined;
    return {
      oauthClients: page.map((client) => oauthClientMessage(client)),
      nextPageToken: last && signPageToken(this.secrets.pageTokenKey, binding, [last.id]),
    };
  }

  async updateOAuthClient({ id, oauthClient, updateMask }: UpdateOAuthClientRequest): Promise<OAuthClientMessage> {
    if (!oauthClient) throw invalidArgument([{ field: 'oauthClient', reason: 'REQUIRED', description: 'is required' }]);
    checkCredentialManagement();
    const fields = readMask(updateMask, updatable);
    return this.em.transactional(async (em) => {
      const client = await findOAuthClient(em, id);
      checkClientRights(client);
      const wanted = {
        ...oauthClientMessage(client),
        ...Object.fromEntries(fields.map((field) => [field, oauthClient[field]])),
      };
      checkOAuthClient(wanted);
      em.assign(client, {
        displayName: wanted.displayName,
        redirectUris: [...new Set(wanted.redirectUris)],
        grantTypes: grantTypeNames(wanted.grantTypes),
        permissions: [...new Set(wanted.permissions)],
        allowedOrigins: [...new Set(wanted.allowedOrigins)],
        updateTime: new Date(),
      });
      if (fields.includes('allowedOrigins')) await checkOriginLimit(em, client);
      await recordClientEvent(em, 'OAUTH_CLIENT_CHANGED', client);
      return oauthClientMessage(client);
    });
  }

  async rotateOAuthClientSecret({ id }: RotateOAuthClientSecretRequest): Promise<OAuthClientMessage> {
    checkCredentialManagement();
    return this.em.transactional(async (em) => {
      const client = await findOAuthClient(em, id);
      if (!client.secretHash) {
        throw new AppError('FAILED_PRECONDITION', 'OAUTH_CLIENT_PUBLIC', 'A public OAuth client has no secret.');
      }
      checkClientRights(client);
      const secret = generateClientSecret();
      client.secretHash = hashClientSecret(this.secrets.apiKeyHmacKeys.current, secret);
      client.secretKeyId = this.secrets.apiKeyHmacKeys.currentId;
      client.updateTime = new Date();
      const records = [`oauthClient/${id}`];
      await recordSecurityEvent(em, { kind: 'OAUTH_CLIENT_SECRET_ROTATED', outcome: 'SUCCESS', records });
      return oauthClientMessage(client, secret);
    });
  }

  async deleteOAuthClient({ id }: DeleteOAuthClientRequest): Promise<Empty> {
    if (id === consoleClientKey) throw notFound();
    return this.em.transactional(async (em) => {
      const { tenantId } = currentCaller();
      // Grants first: a token refresh locks its grant before the client, and the same order prevents deadlocks.
      await em.execute(`delete from oidc_record where tenant_id = ? and client_id = ? and kind = 'Grant'`, [
        tenantId,
        id,
      ]);
      const deleted = await em.nativeDelete(OAuthClient, { tenantId, id });
      if (deleted === 0) throw notFound();
      const records = [`oauthClient/${id}`];
      await recordSecurityEvent(em, { kind: 'OAUTH_CLIENT_DELETED', outcome: 'SUCCESS', records });
      return {};
    });
  }
}

/** Row-level security hides the clients of other tenants, so they are NOT_FOUND like clients that do not exist. */
async function findOAuthClient(em: EntityManager, id: string): Promise<OAuthClient> {
  const client =
    id === consoleClientKey ? null : await em.findOne(OAuthClient, { tenantId: currentCaller().tenantId, id });
  if (!client) throw notFound();
  return client;
}

/** Records a change of a client with its permissions, grant types, redirect URIs and allowed origins. */
function recordClientEvent(em: EntityManager, kind: SecurityEventKind, client: OAuthClient): Promise<void> {
  const { id, permissions, grantTypes, redirectUris, allowedOrigins } = client;
  const detail = { permissions, grantTypes, redirectUris, allowedOrigins };
  return recordSecurityEvent(em, { kind, outcome: 'SUCCESS', records: [`oauthClient/${id}`], detail });
}

/** A caller that changes a client or sees its secret gains the client's rights, so it must hold them. */
function checkClientRights({ permissions, grantTypes }: OAuthClient): void {
  checkEscalation(rightsOfClient(permissions, grantTypes.includes('client_credentials')));
}

function notFound(): AppError {
  return new AppError('NOT_FOUND', 'OAUTH_CLIENT_NOT_FOUND', 'The OAuth client does not exist.');
}
