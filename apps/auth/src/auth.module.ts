import { Module, type DynamicModule } from '@nestjs/common';
import { PrincipalSigner } from '@rapport/contracts';
import { PersistenceModule } from '@rapport/persistence';
import { AuthController } from './auth.controller.js';
import { entities } from './database.js';
import { Secrets } from './secrets.js';

export interface AuthOptions {
  databaseUrl: string;
  secrets: Secrets;
  principals: PrincipalSigner;
}

@Module({})
export class AuthModule {
  static register({ databaseUrl, secrets, principals }: AuthOptions): DynamicModule {
    return {
      module: AuthModule,
      imports: [PersistenceModule.register({ databaseUrl, entities })],
      controllers: [AuthController],
      providers: [
        { provide: Secrets, useValue: secrets },
        { provide: PrincipalSigner, useValue: principals },
      ],
    };
  }
}
