import type { Adapter, AdapterPayload } from 'oidc-provider';
import { knownPermissions } from '../../access/known-permissions.js';
import { consoleClientId, parseClientId } from '../clients/client-id.js';
import { signingAlgorithm } from '../tokens/signing-keys.js';
import type { OidcDatabase } from '../records/oidc-database.js';

interface ClientRow {
  display_name: string;
  redirect_uris: string[];
  grant_types: string[];
  permissions: string[];
  secret_hash: Buffer | null;
  secret_key_id: string | null;
}

/** Read-only access of the provider to the OAuth clients of all tenants. OAuthClientsService manages them. */
export class ClientAdapter implements Adapter {
  /** @param consoleUrl origin of the console */
  constructor(
    private readonly database: OidcDatabase,
    private readonly consoleUrl: string,
  ) {}

  async find(clientId: string): Promise<AdapterPayload | undefined> {
    if (clientId === consoleClientId) return consoleMetadata(this.consoleUrl);
    const key = parseClientId(clientId);
    if (!key) return undefined;
    const [row] = await this.database.rows<ClientRow>(
      {
        name: 'find_oauth_client',
        sql: `select display_name, redirect_uris, grant_types, permissions, secret_hash, secret_key_id
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

/**
 * The console is a confidential client of the edge. Its secret is the edge's certificate, which rotates by itself: RFC 8705, section 2.1.
 */
function consoleMetadata(consoleUrl: string): AdapterPayload {
  return {
    client_id: consoleClientId,
    client_name: 'Rapport',
    redirect_uris: [`${consoleUrl}/console/callback`],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    permissions: knownPermissions.join(' '),
    id_token_signed_response_alg: signingAlgorithm,
    token_endpoint_auth_method: 'tls_client_auth',
    tls_client_auth_san_dns: 'edge',
  };
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
    // Empty when it is not recorded.
    secret_key_id: row.secret_key_id ?? '',
    application_type: hasOwnScheme ? 'native' : 'web',
    id_token_signed_response_alg: signingAlgorithm,
    ...(row.secret_hash
      ? { token_endpoint_auth_method: 'client_secret_basic', client_secret: row.secret_hash.toString('hex') }
      : { token_endpoint_auth_method: 'none' }),
  };
}
