import type { Adapter, AdapterPayload } from 'oidc-provider';
import { parseClientId } from '../clients/client-id.js';
import { signingAlgorithm } from '../tokens/signing-keys.js';
import type { OidcDatabase } from '../records/oidc-database.js';

interface ClientRow {
  display_name: string;
  redirect_uris: string[];
  grant_types: string[];
  permissions: string[];
  secret_hash: Buffer | null;
}

/** Read-only access of the provider to the OAuth clients of all tenants. OAuthClientsService manages them. */
export class ClientAdapter implements Adapter {
  constructor(private readonly database: OidcDatabase) {}

  async find(clientId: string): Promise<AdapterPayload | undefined> {
    const key = parseClientId(clientId);
    if (!key) return undefined;
    const [row] = await this.database.rows<ClientRow>(
      {
        name: 'find_oauth_client',
        sql: `select display_name, redirect_uris, grant_types, permissions, secret_hash
          from oauth_client where tenant_id = $1 and id = $2`,
        values: [key.tenantId, key.id],
      },
      key.tenantId,
    );
    return row && metadataOf(clientId, row);
  }

  async upsert(): Promise<void> {
    throw readOnly();
  }

  async destroy(): Promise<void> {
    throw readOnly();
  }

  async consume(): Promise<void> {
    throw readOnly();
  }

  async revokeByGrantId(): Promise<void> {
    throw readOnly();
  }

  async findByUid(): Promise<undefined> {
    throw readOnly();
  }

  async findByUserCode(): Promise<undefined> {
    throw readOnly();
  }
}

function readOnly(): Error {
  return new Error('OAuth clients are read-only for the provider.');
}

/** Client metadata as in OpenID Connect Dynamic Client Registration 1.0, section 2. */
function metadataOf(clientId: string, row: ClientRow): AdapterPayload {
  const hasOwnScheme = row.redirect_uris.some((uri) => !/^https?:/.test(uri));
  return {
    client_id: clientId,
    client_name: row.display_name,
    redirect_uris: row.redirect_uris,
    grant_types: row.grant_types,
    response_types: row.grant_types.includes('authorization_code') ? ['code'] : [],
    permissions: row.permissions.join(' '),
    application_type: hasOwnScheme ? 'native' : 'web',
    id_token_signed_response_alg: signingAlgorithm,
    ...(row.secret_hash
      ? { token_endpoint_auth_method: 'client_secret_basic', client_secret: row.secret_hash.toString('hex') }
      : { token_endpoint_auth_method: 'none' }),
  };
}
