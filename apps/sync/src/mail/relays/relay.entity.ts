import { defineEntity, p } from '@mikro-orm/postgresql';
import { tenantIsolation } from '@rapport/persistence';
import type { SignIn, SignInSecrets } from '../mail-credentials.js';
import type { RampUp } from './ramp-up.js';

/** A DKIM key without its private half. */
export interface DkimKey {
  selector: string;
  /** RSA when absent. */
  type?: 'ed25519';
  /** In base64, as in the DNS record. */
  publicKey: string;
}

/** DKIM of a relay, without private keys. */
export interface StoredDkim {
  domain: string;
  /** The key that signs. Absent until the first one is activated. */
  key?: DkimKey;
  /** The key that signs after the next activation. */
  nextKey?: DkimKey;
}

/** What is sealed of a relay. Private keys are in PEM. */
export interface RelaySecrets extends SignInSecrets {
  dkimKey?: string;
  nextDkimKey?: string;
}

const RelaySchema = defineEntity({
  name: 'Relay',
  tableName: 'relay',
  ...tenantIsolation,
  properties: {
    tenantId: p.uuid().primary(),
    id: p.uuid().primary(),
    name: p.text(),
    host: p.text(),
    port: p.integer(),
    security: p.enum(['STARTTLS', 'TLS', 'NONE'] as const),
    signIn: p.json<SignIn>().nullable(),
    dkim: p.json<StoredDkim>().nullable(),
    /** `RelaySecrets` as JSON, sealed for its `rowOwner`. */
    sealedSecrets: p.blob(),
    maxConnections: p.integer(),
    maxPerConnection: p.integer(),
    maxPerMinute: p.integer(),
    rampUp: p.json<RampUp>().nullable(),
    /** The last day of the ramp-up with an e-mail, and the number of e-mails that count. */
    rampDay: p.integer().nullable(),
    rampUsed: p.integer().nullable(),
    state: p.enum(['ACTIVE', 'FAILING', 'REAUTH'] as const),
    stateReason: p.text().nullable(),
    version: p.integer(),
    createTime: p.datetime(3),
    updateTime: p.datetime(3),
    createdBy: p.text(),
    updatedBy: p.text(),
  },
});

/** A tenant's SMTP server. */
export class Relay extends RelaySchema.class {}
RelaySchema.setClass(Relay);
