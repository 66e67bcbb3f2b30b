import { Inject, Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { createOrm, type DatabaseOptions } from './create-orm.js';

/**
 * Provides `MikroORM` and `EntityManager` to every class of a service. The one EntityManager resolves to the fork of
 * the current call (see `inTenantSession`); outside of a call it throws.
 */
@Module({})
export class PersistenceModule implements OnApplicationShutdown {
  constructor(@Inject(MikroORM) private readonly orm: MikroORM) {}

  static register(options: DatabaseOptions): DynamicModule {
    return {
      module: PersistenceModule,
      global: true,
      providers: [
        { provide: MikroORM, useFactory: () => createOrm(options) },
        { provide: EntityManager, useFactory: (orm: MikroORM) => orm.em, inject: [MikroORM] },
      ],
      exports: [MikroORM, EntityManager],
    };
  }

  /** The last of Nest's hooks: running calls have completed by then. */
  async onApplicationShutdown(): Promise<void> {
    await this.orm.close();
  }
}
