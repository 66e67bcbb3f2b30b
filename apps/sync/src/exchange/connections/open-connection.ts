import { AppError, invalidArgument, type FieldViolation } from '@rapport/platform';
import type { ConnectorEnvironment } from '../../connectors/connector-environment.js';
import { ConnectorError } from '../../connectors/connector-error.js';
import type { Connector, Peer } from '../../connectors/connector.js';
import { connectors } from '../../connectors/connectors.js';
import type { JsonObject } from '../../connectors/peer-record.js';
import { rowOwner } from '../../storage/sealed-row.js';
import type { SecretEnvelope } from '../../storage/secret-envelope.js';
import type { Connection } from './connection.entity.js';
import { withStorableIds } from './storable-ids.js';

/** The environment of the connectors of one tenant. */
export type EnvironmentOf = (tenantId: string) => ConnectorEnvironment;

/** Opens the peers of connections. */
export class Peers {
  constructor(
    private readonly envelope: SecretEnvelope,
    private readonly environmentOf: EnvironmentOf,
  ) {}

  /** @throws ConnectorError INVALID */
  open(connection: Connection): Peer {
    const secrets = openSecrets(this.envelope, connection);
    const configuration = { ...connection.settings, ...secrets };
    const connector = foundConnector(connection.connector);
    return withStorableIds(connector.connect(configuration, this.environmentOf(connection.tenantId)));
  }

  /**
   * Checks a configuration without calling the peer.
   *
   * @throws AppError INVALID_ARGUMENT that names each wrong setting
   */
  checkConfiguration({ tenantId, connector }: Connection, settings: JsonObject, secrets: JsonObject): void {
    const found = foundConnector(connector);
    const violations = placeViolations(found, settings, secrets);
    if (violations.length > 0) throw invalidArgument(violations);
    try {
      found.connect({ ...settings, ...secrets }, this.environmentOf(tenantId));
    } catch (error) {
      if (!(error instanceof ConnectorError)) throw error;
      throw invalidArgument(error.violations.map((violation) => ({ ...violation, field: place(found, violation) })));
    }
  }

  /**
   * Checks that stored secrets keep their destination. Otherwise a caller who can change a connection, but never saw
   * its secrets, could send them to a server of their own.
   *
   * @param connection before the change
   * @param given names of the secrets in the request
   * @throws AppError INVALID_ARGUMENT that names each secret that must be given again
   */
  checkDestination(connection: Connection, settings: JsonObject, given: readonly string[]): void {
    const { properties } = foundConnector(connection.connector).description.configurationSchema;
    const changed = Object.keys(properties).filter(
      (name) => properties[name]?.destination && settings[name] !== connection.settings[name],
    );
    if (changed.length === 0) return;
    const kept = connection.secretNames.filter((name) => !given.includes(name));
    const description = `must be given again when ${changed.join(', ')} changes`;
    if (kept.length === 0) return;
    throw invalidArgument(
      kept.map((name) => ({ field: `connection.secrets.${name}`, reason: 'REQUIRED', description })),
    );
  }
}

export function openSecrets(
  envelope: SecretEnvelope,
  { tenantId, id, sealedSecrets }: Pick<Connection, 'tenantId' | 'id' | 'sealedSecrets'>,
): JsonObject {
  const opened = envelope.open(Buffer.from(sealedSecrets), rowOwner('connection', tenantId, id));
  return JSON.parse(opened.toString()) as JsonObject;
}

/** @throws AppError INVALID_ARGUMENT for an unknown connector */
export function foundConnector(name: string): Connector {
  const connector = connectors.find(({ description }) => description.name === name);
  if (connector) return connector;
  const known = connectors.map(({ description }) => description.name).join(', ');
  const description = `must be one of ${known}`;
  throw invalidArgument([{ field: 'connection.connector', reason: 'CONNECTOR_UNKNOWN', description }]);
}

/** The error that a caller gets for a failure of a peer. @throws `error` itself when it is none */
export function peerFailure(connector: string, error: unknown): AppError {
  if (error instanceof DOMException && error.name === 'TimeoutError') {
    return new AppError('UNAVAILABLE', 'PEER_TIMEOUT', 'The other system takes too long.', { retryAfterSeconds: 5 });
  }
  if (!(error instanceof ConnectorError)) throw error;
  const violations = error.violations.map((violation) => ({
    ...violation,
    field: place(foundConnector(connector), violation),
  }));
  const { reason, message, retryAfterMs } = error;
  const isTransient = reason === 'UNAVAILABLE' || reason === 'RATE_LIMITED';
  const retryAfterSeconds = Math.ceil((retryAfterMs ?? 5_000) / 1_000);
  return new AppError(isTransient ? 'UNAVAILABLE' : 'FAILED_PRECONDITION', `PEER_${reason}`, message, {
    violations,
    ...(isTransient && { retryAfterSeconds }),
    cause: error,
  });
}

/** A secret among the settings would be readable, and a setting among the secrets would not. */
function placeViolations({ description }: Connector, settings: JsonObject, secrets: JsonObject): FieldViolation[] {
  const { properties } = description.configurationSchema;
  const isSecret = (name: string) => properties[name]?.writeOnly === true;
  return [
    ...Object.keys(settings)
      .filter(isSecret)
      .map((name) => misplaced(`settings.${name}`, 'secrets')),
    ...Object.keys(secrets)
      .filter((name) => !isSecret(name))
      .map((name) => misplaced(`secrets.${name}`, 'settings')),
  ];
}

function misplaced(name: string, right: string): FieldViolation {
  return { field: `connection.${name}`, reason: 'WRONG_PLACE', description: `belongs into ${right}` };
}

/** `connection.settings.url` for `/url`. */
function place({ description }: Connector, { field }: FieldViolation): string {
  const [, name = '', ...rest] = field.split('/');
  const part = description.configurationSchema.properties[name]?.writeOnly ? 'secrets' : 'settings';
  return ['connection', part, name, ...rest].filter(Boolean).join('.');
}
