import { Module, type DynamicModule } from '@nestjs/common';
import { PersistenceModule } from '@rapport/persistence';
import { CustomersController } from './customers.controller.js';
import { entities } from './database.js';
import { PageTokenKey } from './list-customers.js';

@Module({})
export class CustomersModule {
  static register({ databaseUrl, pageTokenKey }: { databaseUrl: string; pageTokenKey: PageTokenKey }): DynamicModule {
    return {
      module: CustomersModule,
      imports: [PersistenceModule.register({ databaseUrl, entities })],
      controllers: [CustomersController],
      providers: [{ provide: PageTokenKey, useValue: pageTokenKey }],
    };
  }
}
