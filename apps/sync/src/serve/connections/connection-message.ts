import {
  ConnectionState,
  type Connection as ConnectionMessage,
  type Connector as ConnectorMessage,
  type PeerRecordType,
} from '@rapport/contracts/rapport/sync/v1/connections_service';
import { formatEtag } from '@rapport/persistence';
import type { Connector } from '../../connectors/connector.js';
import type { RecordType } from '../../connectors/description.js';
import type { Connection } from '../../exchange/connections/connection.entity.js';

export function connectionMessage(connection: Connection): ConnectionMessage {
  return {
    id: connection.id,
    connector: connection.connector,
    displayName: connection.displayName,
    settings: connection.settings,
    secrets: undefined,
    state: ConnectionState[connection.state],
    pollSeconds: connection.pollSeconds,
    principalId: connection.principalId,
    secretNames: connection.secretNames,
    etag: formatEtag(connection.version),
    createTime: connection.createTime.toISOString(),
    updateTime: connection.updateTime.toISOString(),
    createdBy: connection.createdBy,
  };
}

export function connectorMessage({ description }: Connector): ConnectorMessage {
  const { name, title, configurationSchema } = description;
  return { name, title, configurationSchema: { ...configurationSchema } };
}

export function recordTypeMessage({ name, fields, capabilities, createDescription }: RecordType): PeerRecordType {
  return {
    name,
    fields: fields.map(({ name: field, type, writable, required, declaredType, description }) => ({
      ...{ name: field, type, writable, required },
      ...{ declaredType, description },
    })),
    incremental: capabilities.incremental,
    creates: capabilities.create,
    updates: capabilities.update,
    deletes: capabilities.delete,
    tellsDeletes: capabilities.deletes === 'TOMBSTONES',
    createDescription,
  };
}
