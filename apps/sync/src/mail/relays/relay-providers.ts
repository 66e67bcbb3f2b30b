import type { Provider } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import type { OutgoingHttp } from '../../outgoing-http/outgoing-http.js';
import type { SecretEnvelope } from '../../storage/secret-envelope.js';
import { OAuthTokens } from '../oauth-tokens.js';
import { RelayConnector } from './connect-relay.js';
import { RelayDns } from './relay-dns.js';

export interface RelayOptions {
  envelope: SecretEnvelope;
  http: OutgoingHttp;
  /** Name servers of DNS checks, as `address:port`; those of the system if there are none. */
  dnsServers: readonly string[];
}

/** What calls relays, and looks up the records of their domains. */
export function relayProviders({ envelope, http, dnsServers }: RelayOptions): Provider[] {
  return [
    { provide: RelayDns, useValue: new RelayDns(http, dnsServers) },
    {
      provide: RelayConnector,
      useFactory: (orm: MikroORM, tokens: OAuthTokens) => new RelayConnector(orm, http, envelope, tokens),
      inject: [MikroORM, OAuthTokens],
    },
  ];
}
