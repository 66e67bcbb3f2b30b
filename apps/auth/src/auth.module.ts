import { Module, type DynamicModule } from '@nestjs/common';
import { PersistenceModule } from '@rapport/persistence';
import { AuthController } from './auth.controller.js';
import { entities } from './database.js';
import { PasswordHasher } from './passwords/password-hasher.js';
import { Secrets } from './secrets.js';

@Module({})
export class AuthModule {
  static register({ databaseUrl, secrets }: { databaseUrl: string; secrets: Secrets }): DynamicModule {
    return {
      module: AuthModule,
      imports: [PersistenceModule.register({ databaseUrl, entities })],
      controllers: [AuthController],
      providers: [{ provide: Secrets, useValue: secrets }, PasswordHasher],
    };
  }
}
