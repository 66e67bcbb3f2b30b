import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import type { Empty } from '@rapport/contracts/google/protobuf/empty';
import {
  ConnectedAppsServiceService,
  type ConnectedApp,
  type ConnectedAppsServiceServer,
  type DisconnectAppRequest,
  type ListConnectedAppsResponse,
} from '@rapport/contracts/rapport/auth/v1/connected_apps_service';
import { AppError, currentCaller } from '@rapport/platform';
import { currentUserId, findCurrentUser } from '../../users/current-user.js';
import { recordSecurityEvent } from '../../security-events/security-event.js';
import { consoleClientKey } from './client-id.js';

const maxApps = 100;

/** The provider's record of a grant: its time, its scopes by resource, and its OpenID scopes. */
interface GrantPayload {
  iat: number;
  openid?: { scope?: string };
  resources?: Record<string, string>;
}

interface AppRow {
  client_id: string;
  display_name: string;
  /** One for each session in which the user has consented. */
  grants: GrantPayload[];
  expire_ms: number;
}

@Controller()
@ImplementsService(ConnectedAppsServiceService)
export class ConnectedAppsController implements ServiceHandlers<ConnectedAppsServiceServer> {
  constructor(private readonly em: EntityManager) {}

  async listConnectedApps(): Promise<ListConnectedAppsResponse> {
    const { tenantId, id } = await findCurrentUser(this.em);
    const rows = await this.em.execute<AppRow[]>(listSql, [tenantId, id, consoleClientKey, maxApps]);
    return { connectedApps: rows.map(connectedApp) };
  }

  async disconnectApp({ id }: DisconnectAppRequest): Promise<Empty> {
    const { tenantId } = currentCaller();
    const userId = currentUserId();
    return this.em.transactional(async (em) => {
      const ended = userId === undefined ? [] : await em.execute(deleteSql, [tenantId, userId, id]);
      if (ended.length === 0) {
        throw new AppError('NOT_FOUND', 'CONNECTED_APP_NOT_FOUND', 'The connected app does not exist.');
      }
      const records = [`oauthClient/${id}`, `user/${userId}`];
      await recordSecurityEvent(em, { kind: 'GRANT_REVOKED', outcome: 'SUCCESS', records });
      return {};
    });
  }
}

const listSql = `
  select app.client_id, client.display_name, json_agg(app.payload) as grants,
    max(extract(epoch from app.expire_time))::float8 * 1000 as expire_ms
  from oidc_record app
  join oauth_client client on client.tenant_id = app.tenant_id and client.id = app.client_id
  where app.tenant_id = ? and app.user_id = ? and app.kind = 'Grant' and app.expire_time > now() and app.client_id <> ?
  group by app.client_id, client.display_name
  order by max((app.payload ->> 'iat')::bigint) desc, app.client_id limit ?`;

// Rows are locked in one order, which prevents deadlocks. Codes and tokens are deleted with their grants.
const deleteSql = `
  with locked as materialized (
    select hash from oidc_record where tenant_id = ? and user_id = ? and client_id = ? and kind = 'Grant'
      and expire_time > now()
    order by hash for update)
  delete from oidc_record where hash in (select hash from locked) returning kind`;

function connectedApp({ client_id: id, display_name: displayName, grants, expire_ms: expireMs }: AppRow): ConnectedApp {
  return {
    id,
    displayName,
    permissions: [...new Set(grants.flatMap(permissionsOf))].sort(),
    offline: grants.some(({ openid }) => openid?.scope?.split(' ').includes('offline_access')),
    grantTime: new Date(Math.max(...grants.map(({ iat }) => iat)) * 1_000).toISOString(),
    expireTime: new Date(Math.round(expireMs)).toISOString(),
  };
}

function permissionsOf({ resources = {} }: GrantPayload): string[] {
  return Object.values(resources).flatMap((scope) => scope.split(' '));
}
