import type { KeyRing } from '@rapport/platform';
import { Global, Module, type DynamicModule } from '@nestjs/common';
import { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { PrincipalSigner, servicesOf } from '@rapport/contracts';
import { AuditHeadSigner, AuditKeys, PersistenceModule } from '@rapport/persistence';
import { AccountKeys } from './storage/account-keys.js';
import { PasswordResets } from './sign-in/password-resets.js';
import { Passwords } from './sign-in/passwords/passwords.js';
import { ClosingRules, reportClosings } from './tenants/open-closings.js';
import { entities } from './storage/database.js';
import { Mailer, type MailOptions } from './sign-in/mailer.js';
import { OidcModule, type OidcOptions } from './oidc/oidc.module.js';
import { PasswordHasher } from './sign-in/passwords/password-hasher.js';
import { Secrets } from './storage/secrets.js';
import { BoundedEvents } from './security-events/bounded-events.js';
import { SignIn } from './sign-in/sign-in.js';
import { Throttle } from './sign-in/throttle.js';
import { SecondFactor } from './sign-in/second-factor.js';
import { Invitations } from './users/invitations.js';
import { AccountController } from './users/account.controller.js';
import { AuthController } from './api-keys/auth.controller.js';
import { WorkspaceClosingsController } from './tenants/workspace-closings.controller.js';
import { ConnectedAppsController } from './oidc/clients/connected-apps.controller.js';
import { OAuthClientsController } from './oidc/clients/oauth-clients.controller.js';
import { PermissionsController } from './access/permissions.controller.js';
import { RolesController } from './access/roles.controller.js';
import { SecurityEventsController } from './security-events/security-events.controller.js';
import { SessionsController } from './users/sessions.controller.js';
import { TeamsController } from './users/teams.controller.js';
import { measureUserStates } from './users/user-states.js';
import { UsersController } from './users/users.controller.js';

const controllers = [
  AuthController,
  AccountController,
  SessionsController,
  OAuthClientsController,
  ConnectedAppsController,
  PermissionsController,
  RolesController,
  TeamsController,
  UsersController,
  SecurityEventsController,
  WorkspaceClosingsController,
];

/** The gRPC services of this process. */
export const services = servicesOf(controllers);

export interface AuthOptions {
  databaseUrl: string;
  secrets: Secrets;
  principals: PrincipalSigner;
  /** The secret that account keys are derived from, 32 bytes. */
  accountKeys: KeyRing;
  mail: MailOptions;
  oidc: OidcOptions;
  /** Scheme, host and port of the edge for browsers, used in links of mails. */
  publicUrl: string;
  auditKeys: AuditKeys;
  /** Interval at which audit heads are signed. Default: 600. */
  auditHeadSeconds?: number;
  /** Default: a settle time of 300 seconds. */
  closingRules?: ClosingRules;
}

@Global()
@Module({})
export class AuthModule {
  static register({
    databaseUrl,
    secrets,
    principals,
    accountKeys,
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
            measureUserStates(em);
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
        { provide: AccountKeys, useFactory: () => new AccountKeys(accountKeys) },
        PasswordHasher,
        Passwords,
        SecondFactor,
        SignIn,
        Throttle,
      ],
      // Used by the OpenID provider.
      exports: [Secrets, SignIn, PrincipalSigner, PasswordHasher, PasswordResets],
    };
  }
}
