import { Module, type DynamicModule } from '@nestjs/common';
import { ApiKeyAuthenticator } from './api-key-authenticator.js';
import { ServiceClients } from './service-clients.js';

@Module({})
export class EdgeModule {
  static register(clients: ServiceClients, authenticator: ApiKeyAuthenticator): DynamicModule {
    return {
      module: EdgeModule,
      providers: [
        { provide: ServiceClients, useFactory: () => clients },
        { provide: ApiKeyAuthenticator, useFactory: () => authenticator },
      ],
    };
  }
}
