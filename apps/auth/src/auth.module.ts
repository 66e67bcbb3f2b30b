import { Global, Module, type DynamicModule } from '@nestjs/common';
import { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { PrincipalSigner } from '@rapport/contracts';
import { AuditHeadSigner, AuditKeys, PersistenceModule } from '@rapport/persistence';
import { AccountKeys } from './account-keys.js';
import { PasswordResets } from './account/password-resets.js';
import { Passwords } from './account/passwords.js';
import { ClosingRules, reportClosings } from './closings/open-closings.js';
import { entities } from './database.js';
import { Mailer, type MailOptions } from './mail/mailer.js';
import { OidcModule, type OidcOptions } from './oidc/oidc.module.js';
import { PasswordHasher } from './passwords/password-hasher.js';
import { Secrets } from './secrets.js';
import { BoundedEvents } from './security/bounded-events.js';
import { controllers } from './services.js';
import { SignIn } from './sign-in/sign-in.js';
import { Throttle } from './throttle/throttle.js';
import { SecondFactor } from './totp/second-factor.js';
import { Invitations } from './users/invitations.js';

export interface AuthOptions {
  databaseUrl: string;
  secrets: Secrets;
  principals: PrincipalSigner;
  /** What keys for accounts are derived from, 32 bytes. */
  accountKey: Buffer;
  mail: MailOptions;
  oidc: OidcOptions;
  /** Scheme, host and port of the edge as browsers reach it, for links in mails. */
  publicUrl: string;
  auditKeys: AuditKeys;
  /** How often the heads of chains that have grown are signed. 600 when absent. */
  auditHeadSeconds?: number;
  /** Those of production when absent. */
  closingRules?: ClosingRules;
}

@Global()
@Module({})
export class AuthModule {
  static register({
    databaseUrl,
    secrets,
    principals,
    accountKey,
    mail,
    oidc,
    publicUrl,
    auditKeys,
    auditHeadSeconds = 600,
    closingRules = new ClosingRules(300),
  }: AuthOptions): DynamicModule {
    return {
      module: AuthModule,
      imports: [PersistenceModule.register({ databaseUrl, entities }), OidcModule.register(oidc)],
      controllers,
      providers: [
        { provide: Secrets, useValue: secrets },
        { provide: PrincipalSigner, useValue: principals },
        { provide: AuditKeys, useValue: auditKeys },
        {
          provide: AuditHeadSigner,
          useFactory: (orm: MikroORM) => new AuditHeadSigner(orm, auditKeys, auditHeadSeconds),
          inject: [MikroORM],
        },
        {
          provide: ClosingRules,
          useFactory: (em: EntityManager) => {
            reportClosings(em);
            return closingRules;
          },
          inject: [EntityManager],
        },
        BoundedEvents,
        { provide: Mailer, useFactory: () => new Mailer(mail) },
        { provide: Invitations, useFactory: (mailer: Mailer) => new Invitations(mailer, publicUrl), inject: [Mailer] },
        {
          provide: PasswordResets,
          useFactory: (orm: MikroORM, mailer: Mailer, passwords: Passwords, throttle: Throttle) =>
            new PasswordResets(orm, mailer, passwords, throttle, publicUrl),
          inject: [MikroORM, Mailer, Passwords, Throttle],
        },
        { provide: AccountKeys, useFactory: () => new AccountKeys(accountKey) },
        PasswordHasher,
        Passwords,
        SecondFactor,
        SignIn,
        Throttle,
      ],
      // What the OpenID provider shares with the rest of auth.
      exports: [Secrets, SignIn, PrincipalSigner, PasswordHasher, PasswordResets],
    };
  }
}
