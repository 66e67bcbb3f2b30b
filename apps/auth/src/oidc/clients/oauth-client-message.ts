import {
  OAuthGrantType,
  type OAuthClient as OAuthClientMessage,
} from '@rapport/contracts/rapport/auth/v1/oauth_clients_service';
import type { OAuthClient } from '../../storage/oauth-client.entity.js';
import { formatClientId } from './client-id.js';

/** @param secret only in the response to its creation or rotation */
export function oauthClientMessage(client: OAuthClient, secret?: string): OAuthClientMessage {
  return {
    id: client.id,
    clientId: formatClientId(client),
    displayName: client.displayName,
    confidential: client.secretHash !== null,
    redirectUris: client.redirectUris,
    grantTypes: client.grantTypes.map((name) => OAuthGrantType[name.toUpperCase() as keyof typeof OAuthGrantType]),
    permissions: client.permissions,
    secret,
    createTime: client.createTime.toISOString(),
    updateTime: client.updateTime.toISOString(),
    allowedOrigins: client.allowedOrigins,
  };
}
