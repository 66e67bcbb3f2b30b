import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { credentials, type ServiceError } from '@grpc/grpc-js';
import { MikroORM } from '@mikro-orm/postgresql';
import {
  fromGrpcError,
  PrincipalSigner,
  PrincipalVerifier,
  readPrincipalToken,
  startGrpcService,
  writeCallMetadata,
} from '@rapport/contracts';
import {
  AuthServiceClient,
  AuthServiceService,
  type ApiKey,
  type AuthenticateApiKeyResponse,
} from '@rapport/contracts/rapport/auth/v1/auth_service';
import { runMigrations, TenantSessionInterceptor } from '@rapport/persistence';
import { createLogger, type Caller } from '@rapport/platform';
import { freePort, provisionDatabase, type ProvisionedDatabase } from '@rapport/testing';
import { v7 } from 'uuid';
import { inject } from 'vitest';
import { AuthModule } from '../src/auth.module.js';
import { entities, migrations } from '../src/database.js';
import { Secrets } from '../src/secrets.js';

type Method = {
  [Name in keyof AuthServiceClient]: Name extends keyof typeof AuthServiceService ? Name : never;
}[keyof AuthServiceClient];
type Request<Name extends Method> = Parameters<AuthServiceClient[Name]>[0];

/** The auth service on a database of its own, and what its callers do with it. */
export class RunningAuth {
  private constructor(
    readonly urls: ProvisionedDatabase,
    private readonly secrets: Secrets,
    private readonly principals: PrincipalSigner,
    private readonly client: AuthServiceClient,
    readonly stop: () => Promise<void>,
  ) {}

  static async start(): Promise<RunningAuth> {
    const urls = await provisionDatabase(inject('superuserUrl'), `auth_${randomBytes(6).toString('hex')}`);
    await runMigrations({ databaseUrl: urls.ownerUrl, entities, migrations });
    const secrets = new Secrets(randomBytes(32), randomBytes(32));
    const principals = await PrincipalSigner.of();
    const address = `127.0.0.1:${await freePort()}`;
    const app = await startGrpcService({
      module: AuthModule.register({ databaseUrl: urls.appUrl, secrets, principals }),
      services: [AuthServiceService],
      address,
      principals: new PrincipalVerifier(principals.publicKeys),
      logger: createLogger('auth', 'silent'),
      interceptors: (starting) => [new TenantSessionInterceptor(starting.get(MikroORM))],
    });
    const client = new AuthServiceClient(address, credentials.createInsecure());
    return new RunningAuth(urls, secrets, principals, client, async () => {
      client.close();
      await app.close();
    });
  }

  /** Runs the operator's command as it is built. */
  async createTenant(displayName: string, plan?: string): Promise<{ tenantId: string; apiKey: string }> {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [
        join(import.meta.dirname, '../dist/create-tenant.js'),
        '--display-name',
        displayName,
        ...(plan ? ['--plan', plan] : []),
      ],
      {
        env: {
          DATABASE_URL: this.urls.appUrl,
          API_KEY_HMAC_KEY: this.secrets.apiKeyHmacKey.toString('base64'),
        },
      },
    );
    return JSON.parse(stdout) as { tenantId: string; apiKey: string };
  }

  /** A new tenant's first key, as the edge knows its caller. */
  async newCaller(): Promise<Caller> {
    return callerOf(await this.authenticate((await this.createTenant('Acme')).apiKey));
  }

  /** Calls as the edge does. Rejects with the AppError that the edge gets. */
  call<Name extends Method>(name: Name, request: Request<Name>, caller?: Caller): Promise<Answer<Name>> {
    const principalToken = caller && this.principals.sign(caller);
    const metadata = writeCallMetadata({ requestId: v7(), principalToken });
    const options = { deadline: Date.now() + 10_000 };
    const method = this.client[name].bind(this.client) as unknown as (...args: unknown[]) => void;
    return new Promise((resolve, reject) => {
      method(request, metadata, options, (error: ServiceError | null, answer: Answer<Name>) => {
        if (error) reject(fromGrpcError(error));
        else resolve(answer);
      });
    });
  }

  authenticate(key: string): Promise<AuthenticateApiKeyResponse> {
    return this.call('authenticateApiKey', { key });
  }

  createApiKey(caller: Caller, wanted: Partial<ApiKey> = {}): Promise<ApiKey & { key: string }> {
    const apiKey: ApiKey = {
      id: '',
      displayName: 'nightly import',
      permissions: ['customers.read'],
      keyPrefix: '',
      expireTime: undefined,
      createTime: undefined,
      revokeTime: undefined,
      ...wanted,
    };
    return this.call('createApiKey', { apiKey }, caller) as Promise<ApiKey & { key: string }>;
  }
}

type Answer<Name extends Method> = (typeof AuthServiceService)[Name] extends {
  responseDeserialize: (bytes: Buffer) => infer Response;
}
  ? Response
  : never;

export function callerOf({ principalToken }: AuthenticateApiKeyResponse): Caller {
  return readPrincipalToken(principalToken);
}
