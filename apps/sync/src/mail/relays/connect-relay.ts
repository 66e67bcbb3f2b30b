import type { MikroORM } from '@mikro-orm/postgresql';
import { readForTenant, tenantSession } from '@rapport/persistence';
import { OutgoingError, type OutgoingHttp } from '../../outgoing-http/outgoing-http.js';
import type { SecretEnvelope } from '../../storage/secret-envelope.js';
import { OAuthError, type OAuthTokens } from '../oauth-tokens.js';
import { openRelaySecrets, sealRelaySecrets } from './relay-secrets.js';
import type { Relay, RelaySecrets } from './relay.entity.js';
import { RelayError, RelaySession, type RelayServer } from './relay-session.js';

/** What a connection needs of a relay. */
export type ConnectedRelay = Pick<Relay, 'tenantId' | 'id' | 'host' | 'port' | 'security' | 'signIn' | 'sealedSecrets'>;

/** Opens sessions with relays, at addresses that tenants may name. */
export class RelayConnector {
  constructor(
    private readonly orm: MikroORM,
    private readonly http: OutgoingHttp,
    private readonly envelope: SecretEnvelope,
    private readonly tokens: OAuthTokens,
  ) {}

  /** @throws RelayError */
  async connect(relay: ConnectedRelay): Promise<RelaySession> {
    const { host, port, security } = relay;
    const address = await this.#addressOf(host);
    const signIn = await this.#signIn(relay);
    try {
      return await RelaySession.open({
        ...{ address, host, port, security },
        ...(signIn && { signIn }),
      });
    } catch (error) {
      // A server can end a token early: the next session asks for another one.
      if (error instanceof RelayError && error.reason === 'UNAUTHORISED') this.tokens.forget(ownerOf(relay));
      throw error;
    }
  }

  async #addressOf(host: string): Promise<string> {
    try {
      return await this.http.addressOf(host);
    } catch (cause) {
      const isForbidden = cause instanceof OutgoingError && cause.reason === 'ADDRESS_NOT_ALLOWED';
      if (isForbidden) throw new RelayError('ADDRESS_NOT_ALLOWED', 'The host has no public address.', { cause });
      throw new RelayError('UNREACHABLE', 'The host has no address.', { cause });
    }
  }

  async #signIn(relay: ConnectedRelay): Promise<RelayServer['signIn']> {
    const { signIn } = relay;
    if (!signIn) return undefined;
    const { user, oauth2 } = signIn;
    const secrets = openRelaySecrets(this.envelope, relay);
    if (!oauth2) return { user, password: secrets.password ?? '' };
    const store = (refreshToken: string) => this.#storeToken(relay, refreshToken);
    const client = { ...oauth2, clientSecret: secrets.clientSecret, refreshToken: secrets.refreshToken ?? '' };
    try {
      return { user, accessToken: await this.tokens.accessToken({ name: ownerOf(relay), store }, client) };
    } catch (cause) {
      if (!(cause instanceof OAuthError)) throw cause;
      throw new RelayError(cause.isRefused ? 'UNAUTHORISED' : 'UNREACHABLE', cause.message, { cause });
    }
  }

  async #storeToken({ tenantId, id }: ConnectedRelay, refreshToken: string): Promise<void> {
    const em = this.orm.em.fork({ session: tenantSession(tenantId) });
    await em.transactional(async (own) => {
      const [row] = await readForTenant<{ sealed_secrets: Buffer }>(own, {
        sql: 'select sealed_secrets from relay where tenant_id = $1 and id = $2 for update',
        values: [tenantId, id],
      });
      if (!row) return;
      const before = openRelaySecrets(this.envelope, { tenantId, id, sealedSecrets: row.sealed_secrets });
      const secrets: RelaySecrets = { ...before, refreshToken };
      await readForTenant(own, {
        sql: 'update relay set sealed_secrets = $3 where tenant_id = $1 and id = $2',
        values: [tenantId, id, sealRelaySecrets(this.envelope, { tenantId, id }, secrets)],
      });
    });
  }
}

function ownerOf({ tenantId, id }: ConnectedRelay): string {
  return `relay/${tenantId}/${id}`;
}
