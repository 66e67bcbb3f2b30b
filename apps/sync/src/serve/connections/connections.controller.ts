import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import type { Empty } from '@rapport/contracts/google/protobuf/empty';
import {
  ConnectionsServiceService as Methods,
  ConnectionState,
  type CheckConnectionRequest,
  type CheckConnectionResponse,
  type Connection as ConnectionMessage,
  type ConnectionsServiceServer,
  type CreateConnectionRequest,
  type DeleteConnectionRequest,
  type GetConnectionRequest,
  type ListConnectionsResponse,
  type ListConnectorsResponse,
  type UpdateConnectionRequest,
} from '@rapport/contracts/rapport/sync/v1/connections_service';
import { currentCaller } from '@rapport/platform';
import { connectors } from '../../connectors/connectors.js';
import { Connection } from '../../exchange/connections/connection.entity.js';
import { findConnection } from '../../exchange/connections/find-connection.js';
import { peerFailure, Peers } from '../../exchange/connections/open-connection.js';
import { MappingTicker } from '../../exchange/runs/mapping-ticker.js';
import { endWrites } from '../../exchange/writes/end-writes.js';
import { SecretEnvelope } from '../../storage/secret-envelope.js';
import { writeCall } from '../../storage/write-call.js';
import { connectionMessage, connectorMessage, recordTypeMessage } from './connection-message.js';
import { createConnection, deleteConnection, updateConnection } from './write-connection.js';

/** Timeout of a peer's description, in milliseconds. */
const checkTimeoutMs = 20_000;

@Controller()
@ImplementsService(Methods)
export class ConnectionsController implements ServiceHandlers<ConnectionsServiceServer> {
  constructor(
    private readonly em: EntityManager,
    private readonly peers: Peers,
    private readonly envelope: SecretEnvelope,
    private readonly ticker: MappingTicker,
  ) {}

  listConnectors(): Promise<ListConnectorsResponse> {
    return Promise.resolve({ connectors: connectors.map(connectorMessage) });
  }

  createConnection(request: CreateConnectionRequest): Promise<ConnectionMessage> {
    return writeCall(this.em, this.envelope, Methods.createConnection, request, (em) =>
      createConnection(em, this.peers, this.envelope, request),
    );
  }

  async getConnection({ id }: GetConnectionRequest): Promise<ConnectionMessage> {
    return connectionMessage(await findConnection(this.em, id));
  }

  async listConnections(): Promise<ListConnectionsResponse> {
    const { tenantId } = currentCaller();
    // UUIDv7 ids sort by creation time.
    const connections = await this.em.find(Connection, { tenantId }, { orderBy: { id: 'desc' } });
    return { connections: connections.map(connectionMessage) };
  }

  async updateConnection(request: UpdateConnectionRequest): Promise<ConnectionMessage> {
    const updated = await writeCall(this.em, this.envelope, Methods.updateConnection, request, (em) =>
      updateConnection(em, this.peers, this.envelope, request),
    );
    if (updated.state === ConnectionState.DISABLED) await endWrites(this.em, { connectionId: request.id });
    this.ticker.wake();
    return updated;
  }

  async deleteConnection(request: DeleteConnectionRequest): Promise<Empty> {
    const attempt = (etag?: string) => this.em.transactional((em) => deleteConnection(em, { ...request, etag }));
    for (let stopped = await attempt(request.etag); stopped; stopped = await attempt(stopped.etag)) {
      await endWrites(this.em, { connectionId: request.id });
    }
    return {};
  }

  async checkConnection({ id }: CheckConnectionRequest): Promise<CheckConnectionResponse> {
    const connection = await findConnection(this.em, id);
    const signal = AbortSignal.timeout(checkTimeoutMs);
    try {
      const peer = this.peers.open(connection);
      await peer.check(signal);
      const { recordTypes } = await peer.describe(signal);
      return { recordTypes: recordTypes.map(recordTypeMessage) };
    } catch (error) {
      throw peerFailure(connection.connector, error);
    }
  }
}
