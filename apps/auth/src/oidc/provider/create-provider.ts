import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { allows, type KeyRing } from '@rapport/platform';
import type { JWK } from 'jose';
import {
  errors,
  interactionPolicy,
  Provider,
  type Adapter,
  type Configuration,
  type KoaContextWithOIDC,
} from 'oidc-provider';
import { isKnownPermission, knownPermissions } from '../../access/known-permissions.js';
import { consoleClientId, hashClientSecret, parseClientId } from '../clients/client-id.js';
import { storeAccessToken } from '../tokens/store-access-token.js';
import { errorPage } from '../pages/error-page.js';
import { sendPage } from '../look/page.js';
import { signedOutPage, signOutPage } from '../pages/sign-out-pages.js';
import { signingAlgorithm } from '../tokens/signing-keys.js';
import { apiAudience } from '../tokens/verify-access-token.js';
import { RecordAdapter } from '../records/record-adapter.js';
import type { OidcDatabase } from '../records/oidc-database.js';
import { parseAccountId, sessionSeconds, type UserAccounts } from '../records/user-accounts.js';
import { ClientAdapter } from './client-adapter.js';
import { consoleGrant } from './console-grant.js';

/** Lifetimes in seconds. */
const ttl = {
  AccessToken: 600,
  AuthorizationCode: 60,
  ClientCredentials: 600,
  Grant: 30 * 86_400,
  IdToken: 600,
  Interaction: 1_800,
  RefreshToken: 30 * 86_400,
  Session: sessionSeconds,
};

export interface ProviderOptions {
  /** Issuer URL, without a trailing slash. */
  issuer: string;
  /** Origin of the console. */
  consoleUrl: string;
  /** Whether a request comes from the edge's own code, and not from a client that the edge serves. */
  isOfEdge: (request: IncomingMessage) => boolean;
  /** Private keys. The first one signs. */
  keys: readonly JWK[];
  /** Sign cookies; the first one signs new ones. */
  cookieKeys: readonly string[];
  /** Key the hashes of client secrets. */
  clientSecretKeys: KeyRing;
  database: OidcDatabase;
  accounts: UserAccounts;
}

const openIdScopes: readonly string[] = ['openid', 'offline_access'];

/** Creates an OpenID provider and OAuth 2.1 server with a fixed set of keys. */
export function createProvider(options: ProviderOptions): Provider {
  const { issuer, clientSecretKeys } = options;
  const provider = new Provider(issuer, configurationOf(options));
  // The edge forwards the client's address and host in headers.
  provider.proxy = true;
  // Clients use the scheme of the issuer, regardless of the last hop. It decides whether cookies are Secure.
  Object.defineProperty(provider.request, 'protocol', { value: new URL(issuer).protocol.slice(0, -1) });
  provider.Client.prototype.compareClientSecret = async function (secret) {
    const stored = this.clientSecret ?? '';
    const fits = (key: Buffer) => timingSafeEqualText(stored, hashClientSecret(key, secret).toString('hex'));
    const found = clientSecretKeys.find((key) => fits(key) || undefined);
    const { current, currentId: keyId } = clientSecretKeys;
    if (found && (found.isRetired || this['secret_key_id'] !== keyId)) {
      const renewed = { hash: hashClientSecret(current, secret), keyId };
      await rehash(options.database, this.clientId, Buffer.from(stored, 'hex'), renewed);
    }
    return found !== undefined;
  };
  // Exact comparison: the provider would accept any port of a loopback address.
  provider.Client.prototype.redirectUriAllowed = function (uri) {
    return this.redirectUris?.includes(uri) === true;
  };
  provider.use(nameAllScopes);
  // The `sub` for clients is the user id, without the internal parts of the account id.
  const payload = Reflect.get<{ payload: () => Promise<Record<string, unknown>> }, 'payload'>(
    provider.IdToken.prototype,
    'payload',
  );
  provider.IdToken.prototype.payload = async function () {
    const claims = await payload.call(this);
    const account = parseAccountId(claims['sub'] as string);
    const { client } = this as unknown as { client?: { clientId: string } };
    const profile = client?.clientId === consoleClientId ? await options.accounts.profileOf(account) : {};
    return { ...claims, ...profile, sub: account.userId };
  };
  return provider;
}

/**
 * Replaces the hash of a client's secret by one under the current key, so that the retired one is needed no longer. The hash of
 * a secret that was rotated meanwhile stays.
 */
async function rehash(
  database: OidcDatabase,
  clientId: string,
  hash: Buffer,
  renewed: { hash: Buffer; keyId: string },
): Promise<void> {
  const key = parseClientId(clientId);
  if (!key) return;
  const sql = `update oauth_client set secret_hash = $4, secret_key_id = $5
    where tenant_id = $1 and id = $2 and secret_hash = $3`;
  await database.rows({ sql, values: [key.tenantId, key.id, hash, renewed.hash, renewed.keyId] }, key.tenantId);
}

function configurationOf(options: ProviderOptions): Configuration {
  const { consoleUrl, keys, cookieKeys, database, accounts } = options;
  const clients = new ClientAdapter(database, consoleUrl);
  return {
    adapter: (kind: string): Adapter => (kind === 'Client' ? clients : new RecordAdapter(database, kind)),
    jwks: { keys: [...keys] },
    cookies: {
      keys: [...cookieKeys],
      long: { signed: true, httpOnly: true, sameSite: 'lax' },
      short: { signed: true, httpOnly: true, sameSite: 'lax' },
    },
    routes: {
      authorization: '/oauth/authorize',
      token: '/oauth/token',
      introspection: '/oauth/introspect',
      revocation: '/oauth/revoke',
      jwks: '/oauth/jwks',
      end_session: '/oauth/logout',
    },
    features: featuresOf(options),
    scopes: [...openIdScopes],
    extraClientMetadata: { properties: ['permissions', 'secret_key_id'] },
    claims: { openid: ['sub'] },
    responseTypes: ['code'],
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'none', 'tls_client_auth'],
    // Which workspace a user signs in to from the console.
    extraParams: ['workspace'],
    enabledJWA: { idTokenSigningAlgValues: [signingAlgorithm] },
    clientDefaults: { id_token_signed_response_alg: signingAlgorithm },
    pkce: { required: () => true },
    // A confidential client proves itself with each use, so that a stolen token is of no use to others. Its processes may then refresh at
    // the same moment. OAuth 2.1, section 4.3.1, requires rotation for public clients only.
    rotateRefreshToken: ({ oidc }) => oidc.client?.clientAuthMethod === 'none',
    loadExistingGrant: async (ctx) => {
      const { client, session, result } = ctx.oidc;
      if (client?.clientId === consoleClientId) return consoleGrant(ctx, database);
      const grantId =
        (result?.consent as { grantId?: string } | undefined)?.grantId ?? session?.grantIdFor(client?.clientId ?? '');
      return grantId === undefined ? undefined : ctx.oidc.provider.Grant.find(grantId);
    },
    revokeGrantPolicy: () => true,
    // Every client with the grant type gets a refresh token. Without consent to offline_access it ends with the session.
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    allowOmittingSingleRegisteredRedirectUri: false,
    clockTolerance: 5,
    ttl,
    formats: { customizers: { jwt: (_ctx, token, { payload }) => storeAccessToken(database, token, payload) } },
    findAccount: (ctx, accountId, token) =>
      accounts.find(
        tenantOf(ctx) ?? parseAccountId(accountId).tenantId,
        accountId,
        !token || ('expiresWithSession' in token && token.expiresWithSession === true),
      ),
    interactions: { policy: policy(), url: (_ctx, { uid }) => `/oauth/interactions/${uid}` },
    renderError: (ctx, { error, error_description: description }) =>
      sendPage(ctx, errorPage(error, description, ctx.status)),
  };
}

function featuresOf({ issuer, isOfEdge }: ProviderOptions): NonNullable<Configuration['features']> {
  const audience = apiAudience(issuer);
  return {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    dPoP: { enabled: false },
    introspection: { enabled: true, allowedPolicy: isOwnToken },
    mTLS: {
      enabled: true,
      tlsClientAuth: true,
      getCertificate: ({ req }) => (isOfEdge(req) ? 'edge' : undefined),
      certificateAuthorized: () => true,
      certificateSubjectMatches: (_ctx, _property, expected) => expected === 'edge',
    },
    pushedAuthorizationRequests: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => audience,
      useGrantedResource: () => true,
      getResourceServerInfo: (ctx, resource, client) => {
        if (resource !== audience) throw new errors.InvalidTarget();
        refuseUnknownScopes(ctx);
        return {
          audience,
          scope: scopesOf(ctx, (client['permissions'] as string).split(' ')).join(' '),
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: signingAlgorithm } },
        };
      },
    },
    revocation: { enabled: true, allowedPolicy: isOwnToken },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: (ctx) => sendPage(ctx, signOutPage(xsrfOf(ctx))),
      postLogoutSuccessSource: (ctx) => sendPage(ctx, signedOutPage()),
    },
    userinfo: { enabled: false },
  };
}

/** Scopes that a client may request: its permissions, and requested or granted scopes that one of its permissions includes. */
function scopesOf({ oidc }: KoaContextWithOIDC, permissions: string[]): string[] {
  const { AuthorizationCode: code, RefreshToken: refresh } = oidc.entities;
  const asked = [...oidc.requestParamScopes, ...(code?.scopes ?? []), ...(refresh?.scopes ?? [])];
  return [...permissions, ...asked.filter((scope) => allows(permissions, scope) && !permissions.includes(scope))];
}

/**
 * Refuses unknown scopes (RFC 6749, section 3.3). The provider would ignore them, and the client would notice a typing error only when
 * a call is refused. Known permissions that the client lacks are omitted, and the response contains the granted scope.
 */
function refuseUnknownScopes({ oidc }: KoaContextWithOIDC): void {
  const unknown = [...oidc.requestParamScopes].find(
    (scope) => !openIdScopes.includes(scope) && !isKnownPermission(scope),
  );
  if (unknown !== undefined) throw new errors.InvalidScope('requested scope is unknown', unknown);
}

/**
 * RFC 8414, section 2: `scopes_supported`. Adds the permissions, since the provider lists only the OpenID Connect scopes. Omits the client
 * authentication that only the console has.
 */
async function nameAllScopes(context: { path: string; body: unknown }, next: () => Promise<unknown>): Promise<void> {
  await next();
  const metadata = context.body as Record<string, string[]> | undefined;
  if (!context.path.startsWith('/.well-known/') || !metadata?.['scopes_supported']) return;
  metadata['scopes_supported'] = [...openIdScopes, ...knownPermissions];
  for (const [name, values] of Object.entries(metadata)) {
    if (name.endsWith('_auth_methods_supported')) metadata[name] = values.filter((each) => each !== 'tls_client_auth');
  }
}

/** For tokens of other clients, the provider responds as for unknown tokens. */
function isOwnToken(
  _context: unknown,
  client: { clientId: string },
  token: { clientId?: string | undefined },
): boolean {
  return token.clientId === client.clientId;
}

/** The default policy, plus a new sign-in when the user of the session no longer exists or belongs to another tenant. */
function policy(): interactionPolicy.DefaultPolicy {
  const prompts = interactionPolicy.base();
  const gone = new interactionPolicy.Check(
    'account_gone',
    'End-User authentication is required',
    'login_required',
    ({ oidc }) => oidc.session?.accountId !== undefined && !oidc.account,
  );
  prompts.get('login')?.checks.add(gone);
  return prompts;
}

/** The CSRF token of the sign-out form. */
function xsrfOf({ oidc }: KoaContextWithOIDC): string {
  return (oidc.session?.state as { secret: string }).secret;
}

/** The tenant of the client. Undefined for the console, whose users belong to any. */
function tenantOf({ oidc }: KoaContextWithOIDC): string | undefined {
  const clientId = oidc.client?.clientId ?? '';
  return clientId === consoleClientId ? undefined : (parseClientId(clientId)?.tenantId ?? '');
}

function timingSafeEqualText(left: string, right: string): boolean {
  return left.length === right.length && timingSafeEqual(Buffer.from(left), Buffer.from(right));
}
