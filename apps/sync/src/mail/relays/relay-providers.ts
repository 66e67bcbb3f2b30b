import type { Provider } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import type { OutgoingHttp } from '../../outgoing-http/outgoing-http.js';
import type { SecretEnvelope } from '../../storage/secret-envelope.js';
import { OAuthTokens } from '../oauth-tokens.js';
import { RelayConnector } from './connect-relay.js';

/** What calls relays. */
export function relayProviders({ envelope, http }: { envelope: SecretEnvelope; http: OutgoingHttp }): Provider[] {
  return [
    {
      provide: RelayConnector,
      useFactory: (orm: MikroORM, tokens: OAuthTokens) => new RelayConnector(orm, http, envelope, tokens),
      inject: [MikroORM, OAuthTokens],
    },
  ];
}
