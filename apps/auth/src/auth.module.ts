import { Module, type DynamicModule } from '@nestjs/common';
import { PersistenceModule } from '@rapport/persistence';
import { entities } from './database.js';
import { Mailer, type MailOptions } from './mail/mailer.js';
import { PasswordHasher } from './passwords/password-hasher.js';
import { Secrets } from './secrets.js';
import { controllers } from './services.js';
import { Invitations } from './users/invitations.js';

export interface AuthOptions {
  databaseUrl: string;
  secrets: Secrets;
  mail: MailOptions;
  /** Scheme, host and port of the edge as browsers reach it, for links in mails. */
  publicUrl: string;
}

@Module({})
export class AuthModule {
  static register({ databaseUrl, secrets, mail, publicUrl }: AuthOptions): DynamicModule {
    return {
      module: AuthModule,
      imports: [PersistenceModule.register({ databaseUrl, entities })],
      controllers,
      providers: [
        { provide: Secrets, useValue: secrets },
        { provide: Mailer, useFactory: () => new Mailer(mail) },
        { provide: Invitations, useFactory: (mailer: Mailer) => new Invitations(mailer, publicUrl), inject: [Mailer] },
        PasswordHasher,
      ],
    };
  }
}
