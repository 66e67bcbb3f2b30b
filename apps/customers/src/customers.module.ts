import { Module, type DynamicModule } from '@nestjs/common';
import { PersistenceModule } from '@rapport/persistence';
import { entities } from './database.js';
import { PageTokenKey } from './list-customers.js';
import { OperationWorker } from './operations/operation-worker.js';
import { OperationWatcher } from './operations/watch-operation.js';
import { controllers } from './services.js';

@Module({})
export class CustomersModule {
  static register({ databaseUrl, pageTokenKey }: { databaseUrl: string; pageTokenKey: PageTokenKey }): DynamicModule {
    return {
      module: CustomersModule,
      imports: [PersistenceModule.register({ databaseUrl, entities })],
      controllers,
      providers: [{ provide: PageTokenKey, useValue: pageTokenKey }, OperationWorker, OperationWatcher],
    };
  }
}
