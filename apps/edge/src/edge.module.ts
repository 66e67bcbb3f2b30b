import { Module, type DynamicModule } from '@nestjs/common';
import { ServiceClients } from './service-clients.js';

@Module({})
export class EdgeModule {
  static register(clients: ServiceClients): DynamicModule {
    return {
      module: EdgeModule,
      providers: [{ provide: ServiceClients, useFactory: () => clients }],
    };
  }
}
