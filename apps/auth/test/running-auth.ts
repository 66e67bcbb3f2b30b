import { argon2Sync, randomBytes } from 'node:crypto';
import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import { MikroORM, type EntityManager } from '@mikro-orm/postgresql';
import {
  ContractClient,
  fromGrpcError,
  PrincipalSigner,
  PrincipalVerifier,
  readPrincipalToken,
  startGrpcService,
  writeCallMetadata,
  type ServiceMethods,
} from '@rapport/contracts';
import { ApiKey, type AuthenticateApiKeyResponse } from '@rapport/contracts/rapport/auth/v1/auth_service';
import { User } from '@rapport/contracts/rapport/auth/v1/users_service';
import { AuditKeys, createOrm, inTenantSession, PageTokenKey, tenantSession } from '@rapport/persistence';
import { createLogger, KeyRing, type Caller } from '@rapport/platform';
import { freePort, sharedByFiles, type ProvisionedDatabase } from '@rapport/testing';
import pg from 'pg';
import { v7 } from 'uuid';
import { AuthModule, services } from '../src/auth.module.js';
import { entities } from '../src/storage/database.js';
import { issueApiKey } from '../src/api-keys/issue-api-key.js';
import type { OidcOptions } from '../src/oidc/oidc.module.js';
import { PasswordHasher } from '../src/sign-in/passwords/password-hasher.js';
import { formatPhcString } from '../src/sign-in/passwords/phc-string.js';
import { knownPermissions } from '../src/access/known-permissions.js';
import { rightsOfUser } from '../src/access/principal-rights.js';
import { Secrets } from '../src/storage/secrets.js';
import { SignIn } from '../src/sign-in/sign-in.js';
import { Tenant } from '../src/storage/tenant.entity.js';
import { UserAccount } from '../src/storage/user-account.entity.js';
import { Workspace } from '../src/storage/workspace.entity.js';
import { copyDatabase } from './copy-database.js';
import { MailFolder } from './mail-folder.js';

const definitions = Object.assign({}, ...services) as ServiceMethods;
type Method = keyof ServiceMethods;
type Answer<Name extends Method> = ReturnType<ServiceMethods[Name]['responseDeserialize']>;
type Request<Name extends Method> = Partial<ReturnType<ServiceMethods[Name]['requestDeserialize']>>;

/** The password of all users. */
export const password = 'dust jigsaw plinth';

/** Its hash with minimal argon2id parameters, which the service reads from the stored hash. */
const passwordHash = quickHash(password);

export type StartOptions = Pick<OidcOptions, 'keySchedule' | 'tls'> & {
  /** Of a service that has stopped. */
  databases?: ProvisionedDatabase;
  /** The current one first, then the retired ones. Each is the key of every kind of secret. */
  keys?: readonly Buffer[];
};

/** A running auth service with its client. */
export class RunningAuth {
  /** The service shared by all test files that need only a tenant of their own. */
  static readonly shared = sharedByFiles(
    () => RunningAuth.start(),
    (auth) => auth.stop(),
  );

  private constructor(
    readonly urls: ProvisionedDatabase,
    /** Its gRPC address. */
    readonly address: string,
    /** Base URL of the OpenID provider, which tests call without an edge. */
    readonly issuer: string,
    private readonly secrets: Secrets,
    private readonly principals: PrincipalSigner,
    readonly auditSigningKey: Buffer,
    private readonly client: Client,
    readonly mails: MailFolder,
    private readonly orm: MikroORM,
    readonly signIn: SignIn,
    readonly passwordHasher: PasswordHasher,
    /** For streams, and for calls with a client address. */
    readonly contract: ContractClient,
    readonly stop: () => Promise<void>,
  ) {}

  /**
   * A service with a database of its own, for tests that cannot use the shared one.
   *
   * @param peer the calling process
   */
  static async start(
    { databases, keys = [randomBytes(32)], ...options }: StartOptions = {},
    peer = 'edge',
  ): Promise<RunningAuth> {
    const urls = databases ?? (await copyDatabase());
    const [current = Buffer.alloc(0), ...retired] = keys;
    const ring = (variable: string) => new KeyRing(variable, current, retired);
    const secrets = new Secrets(ring('API_KEY_HMAC_KEY'), new PageTokenKey(current, retired), ring('OIDC_KEY'));
    const mails = await MailFolder.make();
    const principals = await PrincipalSigner.of();
    const auditSigningKey = randomBytes(32);
    const address = `127.0.0.1:${await freePort()}`;
    const httpAddress = `127.0.0.1:${await freePort()}`;
    const issuer = `http://${httpAddress}`;
    const logger = createLogger('auth', process.env['LOG_LEVEL'] ?? 'silent');
    const app = await startGrpcService({
      module: AuthModule.register({
        databaseUrl: urls.appUrl,
        secrets,
        principals,
        accountKeys: ring('ACCOUNT_KEY'),
        mail: { mailUrl: mails.url, mailFrom: 'Rapport <no-reply@example.com>' },
        oidc: { issuer, address: httpAddress, databaseUrl: urls.appUrl, logger, ...options },
        publicUrl: 'https://crm.example.com',
        auditKeys: new AuditKeys('auth', auditSigningKey),
      }),
      services: [...services],
      address,
      principals: new PrincipalVerifier(principals.publicKeys),
      peer,
      logger,
      runHandlers: (starting) => (handle) => inTenantSession(starting.get(MikroORM).em, handle),
    });
    const orm = createOrm({ databaseUrl: urls.appUrl, entities });
    const client = new Client(address, credentials.createInsecure());
    const contract = new ContractClient(address, services);
    return new RunningAuth(
      urls,
      address,
      issuer,
      secrets,
      principals,
      auditSigningKey,
      client,
      mails,
      orm,
      app.get(SignIn),
      app.get(PasswordHasher),
      contract,
      async () => {
        client.close();
        contract.close();
        await app.close();
        await orm.close();
        await mails.remove();
      },
    );
  }

  /** Output of the operator command. */
  get operatorEnv(): { DATABASE_URL: string; API_KEY_HMAC_KEY: string } {
    return { DATABASE_URL: this.urls.appUrl, API_KEY_HMAC_KEY: this.secrets.apiKeyHmacKeys.current.toString('base64') };
  }

  /** The caller with the first key of a new tenant. */
  async newCaller(workspace?: string): Promise<Caller> {
    const tenantId = v7();
    const em = this.emOf(tenantId);
    em.create(Tenant, { id: tenantId, displayName: 'Acme', createTime: new Date() });
    if (workspace !== undefined) em.create(Workspace, { name: workspace, tenantId });
    const first = { tenantId, displayName: 'first key', permissions: [...knownPermissions] };
    const { key } = await issueApiKey(em, this.secrets.apiKeyHmacKeys.current, first, 'operator:test');
    return callerOf(await this.authenticate(key));
  }

  /** An EntityManager in a session of a tenant. */
  emOf(tenantId: string): EntityManager {
    return this.orm.em.fork({ session: tenantSession(tenantId) });
  }

  /** The principal token of a caller. */
  principalToken(caller: Caller): string {
    return this.principals.sign(caller);
  }

  /** Calls like the edge. Rejects with the AppError that the edge receives. */
  call<Name extends Method>(name: Name, request: Request<Name>, caller?: Caller): Promise<Answer<Name>> {
    const { path, requestSerialize, requestDeserialize, responseDeserialize } = definitions[name] as unknown as {
      path: string;
      requestSerialize: (request: unknown) => Buffer;
      requestDeserialize: (bytes: Buffer) => object;
      responseDeserialize: (bytes: Buffer) => Answer<Name>;
    };
    return new Promise((resolve, reject) => {
      const settle = (error: ServiceError | null, answer?: Answer<Name>) => {
        if (error) reject(fromGrpcError(error));
        else resolve(answer!);
      };
      const metadata = writeCallMetadata({ requestId: v7(), principalToken: caller && this.principalToken(caller) });
      const options = { deadline: Date.now() + 20_000 };
      const message = { ...requestDeserialize(Buffer.alloc(0)), ...request };
      this.client.makeUnaryRequest(path, requestSerialize, responseDeserialize, message, metadata, options, settle);
    });
  }

  authenticate(key: string): Promise<AuthenticateApiKeyResponse> {
    return this.call('authenticateApiKey', { key });
  }

  createApiKey(caller: Caller, wanted: Partial<ApiKey> = {}): Promise<ApiKey & { key: string }> {
    const apiKey = {
      ...ApiKey.decode(new Uint8Array()),
      displayName: 'nightly import',
      permissions: ['customers.read'],
      ...wanted,
    };
    return this.call('createApiKey', { apiKey }, caller) as Promise<ApiKey & { key: string }>;
  }

  /** An active user, who has accepted an invitation, with a caller. */
  async acceptedUser(admin: Caller, user: Partial<User> = {}): Promise<{ user: User; caller: Caller }> {
    const invited = await this.invite(admin, user);
    const token = await this.mails.tokenTo(invited.email);
    const accepted = await this.call('acceptInvitation', { acceptance: { token, password, displayName: undefined } });
    return { user: accepted, caller: await this.callerOfUser(admin, accepted.id) };
  }

  /** The same with a cheap password hash, so that creating the user and signing in are fast. */
  async newUser(admin: Caller, user: Partial<User> = {}): Promise<{ user: User; caller: Caller }> {
    const { id } = await this.invite(admin, user);
    const { tenantId } = admin;
    const accepted = { state: 'ACTIVE', passwordHash, version: 2 } as const;
    await this.emOf(tenantId).nativeUpdate(UserAccount, { tenantId, id }, accepted);
    return { user: await this.call('getUser', { id }, admin), caller: await this.callerOfUser(admin, id) };
  }

  invite(caller: Caller, user: Partial<User> = {}): Promise<User> {
    const email = `${randomBytes(6).toString('hex')}@example.com`;
    const wanted = { ...User.decode(new Uint8Array()), email, displayName: 'Ada', roleIds: ['member'], ...user };
    return this.call('createUser', { user: wanted }, caller);
  }

  /** Updates exactly the fields of `changes`. */
  updateUser(caller: Caller, id: string, changes: Partial<User>, etag?: string): Promise<User> {
    const user = { ...User.decode(new Uint8Array()), ...changes };
    return this.call('updateUser', { id, user, updateMask: Object.keys(changes), etag }, caller);
  }

  /** Rows of a statement in a session of the caller's tenant, which is `$1`. */
  async rowsOf({ tenantId }: Caller, statement: string, ...values: unknown[]): Promise<Record<string, unknown>[]> {
    const client = new pg.Client({ connectionString: this.urls.appUrl });
    await client.connect();
    try {
      await client.query(`select set_config('app.tenant_id', $1, false)`, [tenantId]);
      const { rows } = await client.query<Record<string, unknown>>(statement, [tenantId, ...values]);
      return rows;
    } finally {
      await client.end();
    }
  }

  /** A user as a caller, with the current rights. */
  async callerOfUser({ tenantId }: Caller, userId: string): Promise<Caller> {
    const rights = await rightsOfUser(this.emOf(tenantId), userId);
    if (!rights) throw new Error('The user is not active.');
    return { tenantId, principalId: `user:${userId}`, ...rights };
  }
}

/** The stored hash of a password, by default with minimal parameters. */
export function quickHash(of: string, cost = { memory: 8, passes: 1 }): string {
  const parameters = { ...cost, parallelism: 1, salt: randomBytes(16) };
  const { salt: nonce, ...rest } = parameters;
  const hash = argon2Sync('argon2id', { message: of, nonce, ...rest, tagLength: 32 });
  return formatPhcString({ ...parameters, hash: Buffer.from(hash) });
}

export function callerOf({ principalToken }: AuthenticateApiKeyResponse): Caller {
  return readPrincipalToken(principalToken);
}
