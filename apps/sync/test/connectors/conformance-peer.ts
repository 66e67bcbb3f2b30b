import type { ConnectorEnvironment } from '../../src/connectors/connector-environment.js';
import type { Connector, WebhookDelivery } from '../../src/connectors/connector.js';
import type { JsonObject } from '../../src/connectors/peer-record.js';

/** Capabilities that a connector may lack, as its description and its tests declare. */
export type Ability = 'create' | 'update' | 'delete' | 'preconditions' | 'incremental' | 'webhooks' | 'limit';

/** A real peer with an empty collection of records, which the tests change behind the connector's back. */
export interface ConformancePeer {
  connector: Connector;
  configuration: Record<string, unknown>;
  environment: ConnectorEnvironment;
  recordType: string;
  /** A field with a text, unique in each record: its name. Writable where the connector writes. */
  nameField: string;
  /** Adds records, all in one moment as far as the peer knows. @returns their ids, in the order of the names */
  add(names: string[]): Promise<string[]>;
  edit(id: string, name: string): Promise<void>;
  remove(id: string): Promise<void>;
  /** The names of all records that the peer holds, those that the connector wrote included. */
  names(): Promise<string[]>;
  /** Fields for a new record. */
  fields(name: string): JsonObject;
  /** Changes that make the configuration wrong, and the field that the error names. */
  wrong: { change: Record<string, unknown>; field: string }[];
  /** Gives a record something that the connector has no field for. Absent when the connector doesn't update. */
  addUnknown?(id: string): Promise<void>;
  hasUnknown?(id: string): Promise<boolean>;
  /** Makes the peer rate-limit the connector. @returns ends that. Absent when this peer has no limits. */
  limit?(): Promise<() => Promise<void>>;
  /** A delivery about these records, signed by the peer. Absent when it sends no webhooks. */
  deliver?: (ids: string[]) => WebhookDelivery;
  stop(): Promise<void>;
}
