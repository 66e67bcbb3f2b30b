import {
  Inject,
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import { PrincipalSigner } from '@rapport/contracts';
import { createOrm } from '@rapport/persistence';
import type { Logger } from '@rapport/platform';
import { PasswordResets } from '../sign-in/password-resets.js';
import { PasswordHasher } from '../sign-in/passwords/password-hasher.js';
import { Secrets } from '../storage/secrets.js';
import { SignIn } from '../sign-in/sign-in.js';
import { OAuthClient } from '../storage/oauth-client.entity.js';
import { AccessTokens } from './tokens/access-tokens.js';
import { AccountPages } from './pages/account-pages.js';
import { ExpiredRecords } from './records/clear-expired-records.js';
import type { MutualTls } from './provider/create-bounded-server.js';
import { ForgottenPassword } from './pages/forgotten-password.js';
import { FormRules } from './pages/form-rules.js';
import { OidcDatabase } from './records/oidc-database.js';
import { OidcServer } from './provider/oidc-server.js';
import { SignOut } from './pages/sign-out.js';
import { keySchedule, SigningKeys, type KeySchedule } from './tokens/signing-keys.js';
import { UserAccounts } from './records/user-accounts.js';

export interface OidcOptions {
  /** Issuer URL, without a trailing slash: the public URL of the edge. */
  issuer: string;
  /** Origin of the console. The issuer when absent. */
  consoleUrl?: string | undefined;
  /** Where the HTTP server listens: `host:port`. */
  address: string;
  databaseUrl: string;
  logger: Logger;
  /** Plain HTTP when absent, for tests only. */
  tls?: MutualTls;
  keySchedule?: KeySchedule;
}

const poolToken = Symbol('pool of the OpenID provider');

/** The OpenID provider. It serves HTTP next to gRPC. */
@Module({})
export class OidcModule implements OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown {
  constructor(
    @Inject('OidcOptions') private readonly options: OidcOptions,
    @Inject(poolToken) private readonly orm: MikroORM,
    private readonly server: OidcServer,
    private readonly expired: ExpiredRecords,
  ) {}

  static register(options: OidcOptions): DynamicModule {
    const { issuer, logger, databaseUrl, tls, keySchedule: schedule = keySchedule } = options;
    const { consoleUrl = issuer } = options;
    return {
      module: OidcModule,
      providers: [
        { provide: 'OidcOptions', useValue: options },
        {
          provide: poolToken,
          // A separate pool: token exchanges of one grant wait for its lock, and must not exhaust the connections for authentication.
          useFactory: () => createOrm({ databaseUrl, entities: [OAuthClient] }, { pool: { min: 0, max: 10 } }),
        },
        {
          provide: SigningKeys,
          useFactory: (orm: MikroORM, { oidcKeys }: Secrets) =>
            new SigningKeys(new OidcDatabase(orm.em), oidcKeys, schedule),
          inject: [MikroORM, Secrets],
        },
        {
          provide: AccessTokens,
          useFactory: (orm: MikroORM, keys: SigningKeys, principals: PrincipalSigner) =>
            new AccessTokens(orm.em, keys, issuer, principals),
          inject: [MikroORM, SigningKeys, PrincipalSigner],
        },
        { provide: OidcDatabase, useFactory: (orm: MikroORM) => new OidcDatabase(orm.em), inject: [poolToken] },
        FormRules,
        {
          provide: AccountPages,
          useFactory: (
            { em }: MikroORM,
            rules: FormRules,
            passwordHasher: PasswordHasher,
            passwordResets: PasswordResets,
          ) => new AccountPages({ issuer, rules, em, passwordHasher, passwordResets }),
          inject: [MikroORM, FormRules, PasswordHasher, PasswordResets],
        },
        ForgottenPassword,
        {
          provide: OidcServer,
          useFactory: (
            orm: MikroORM,
            database: OidcDatabase,
            keys: SigningKeys,
            signIn: SignIn,
            secrets: Secrets,
            accountPages: AccountPages,
            forgottenPassword: ForgottenPassword,
          ) =>
            new OidcServer({
              issuer,
              consoleUrl,
              logger,
              tls,
              database,
              keys,
              masterKeys: secrets.oidcKeys,
              clientSecretKeys: secrets.apiKeyHmacKeys,
              accounts: new UserAccounts(orm.em, database, signIn),
              accountPages,
              forgottenPassword,
              signOut: new SignOut(orm.em),
            }),
          inject: [MikroORM, OidcDatabase, SigningKeys, SignIn, Secrets, AccountPages, ForgottenPassword],
        },
        {
          provide: ExpiredRecords,
          useFactory: (database: OidcDatabase) => new ExpiredRecords(database, logger),
          inject: [OidcDatabase],
        },
      ],
      exports: [AccessTokens],
    };
  }

  async onApplicationBootstrap(): Promise<void> {
    const [host = '', port] = this.options.address.split(':');
    await this.server.listen(Number(port), host);
    this.expired.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.expired.stop();
    await this.server.close();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.orm.close();
  }
}
