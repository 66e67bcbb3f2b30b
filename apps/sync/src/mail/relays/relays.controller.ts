import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import type { Empty } from '@rapport/contracts/google/protobuf/empty';
import {
  RelaysServiceService as Methods,
  type CheckRelayDnsRequest,
  type CheckRelayDnsResponse,
  type CreateRelayRequest,
  type DeleteRelayRequest,
  type GetRelayRequest,
  type ListRelaysResponse,
  type Relay as RelayMessage,
  type RelaysServiceServer,
  type RotateDkimRequest,
  type RotateDkimResponse,
  type TestRelayRequest,
  type TestRelayResponse,
  type UpdateRelayRequest,
} from '@rapport/contracts/rapport/mail/v1/relays_service';
import { queryRows } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { OutgoingHttp } from '../../outgoing-http/outgoing-http.js';
import { SecretEnvelope } from '../../storage/secret-envelope.js';
import { writeCall } from '../../storage/write-call.js';
import { RelayConnector } from './connect-relay.js';
import { RelayDns } from './relay-dns.js';
import { relayMessage } from './relay-message.js';
import { Relay } from './relay.entity.js';
import { RelayError } from './relay-session.js';
import { createRelay, deleteRelay, findRelay, rotateDkim, updateRelay, type RelayParts } from './write-relay.js';

@Controller()
@ImplementsService(Methods)
export class RelaysController implements ServiceHandlers<RelaysServiceServer> {
  readonly #parts: RelayParts;

  constructor(
    private readonly em: EntityManager,
    private readonly envelope: SecretEnvelope,
    private readonly connector: RelayConnector,
    private readonly dns: RelayDns,
    http: OutgoingHttp,
  ) {
    this.#parts = { envelope, mayCall: (url) => http.mayCall(url) };
  }

  createRelay(request: CreateRelayRequest): Promise<RelayMessage> {
    return writeCall(this.em, this.envelope, Methods.createRelay, request, (em) =>
      createRelay(em, this.#parts, request),
    );
  }

  async getRelay({ id }: GetRelayRequest): Promise<RelayMessage> {
    return relayMessage(await findRelay(this.em, id));
  }

  async listRelays(): Promise<ListRelaysResponse> {
    const { tenantId } = currentCaller();
    // UUIDv7 ids sort by creation time.
    const relays = await this.em.find(Relay, { tenantId }, { orderBy: { id: 'desc' } });
    return { relays: relays.map(relayMessage) };
  }

  updateRelay(request: UpdateRelayRequest): Promise<RelayMessage> {
    return writeCall(this.em, this.envelope, Methods.updateRelay, request, (em) =>
      updateRelay(em, this.#parts, request),
    );
  }

  async deleteRelay(request: DeleteRelayRequest): Promise<Empty> {
    await this.em.transactional((em) => deleteRelay(em, request));
    return {};
  }

  async testRelay({ id }: TestRelayRequest): Promise<TestRelayResponse> {
    const relay = await findRelay(this.em, id);
    const response = await this.#test(relay);
    if (response.succeeded && relay.state !== 'ACTIVE') {
      await queryRows(this.em, {
        sql: `update relay set state = 'ACTIVE', state_reason = null where tenant_id = $1 and id = $2 and version = $3`,
        values: [relay.tenantId, relay.id, relay.version],
      });
    }
    return response;
  }

  async #test(relay: Relay): Promise<TestRelayResponse> {
    const startMs = performance.now();
    const durationMs = () => Math.round(performance.now() - startMs);
    try {
      (await this.connector.connect(relay)).close();
      return { succeeded: true, durationMs: durationMs() };
    } catch (error) {
      if (!(error instanceof RelayError)) throw error;
      return { succeeded: false, reason: error.reason, description: error.message, durationMs: durationMs() };
    }
  }

  async checkRelayDns({ id }: CheckRelayDnsRequest): Promise<CheckRelayDnsResponse> {
    return { domains: await this.dns.check(this.em, await findRelay(this.em, id)) };
  }

  rotateDkim(request: RotateDkimRequest): Promise<RotateDkimResponse> {
    return this.em.transactional((em) => rotateDkim(em, this.#parts, request));
  }
}
