import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import { WebhookDeliveryState, type WebhookDelivery } from '@rapport/contracts/rapport/sync/v1/webhook_delivery';
import {
  WebhookDeliveriesServiceService,
  type GetWebhookDeliveryRequest,
  type ListWebhookAttemptsRequest,
  type ListWebhookAttemptsResponse,
  type ListWebhookDeliveriesRequest,
  type ListWebhookDeliveriesResponse,
  type WebhookDeliveriesServiceServer,
} from '@rapport/contracts/rapport/sync/v1/webhook_deliveries_service';
import { PageTokenKey, readForTenant, readPageToken, signPageToken } from '@rapport/persistence';
import { AppError, currentCaller } from '@rapport/platform';
import { RecordAccess } from '../../flows/serve-runs/record-access.js';
import { canReadType } from '../../webhooks/endpoints/event-types.js';
import {
  deliveryColumns,
  deliveryMessage,
  recordOfDelivery,
  type DeliveryRow,
} from '../../webhooks/deliveries/delivery-row.js';

interface AttemptRow {
  number: number;
  time: string | Date;
  duration_ms: number;
  status: number | null;
  error: string | null;
}

@Controller()
@ImplementsService(WebhookDeliveriesServiceService)
export class WebhookDeliveriesController implements ServiceHandlers<WebhookDeliveriesServiceServer> {
  constructor(
    private readonly em: EntityManager,
    private readonly key: PageTokenKey,
    private readonly access: RecordAccess,
  ) {}

  async listWebhookDeliveries(request: ListWebhookDeliveriesRequest): Promise<ListWebhookDeliveriesResponse> {
    const { endpointId, state, pageSize = 50, pageToken } = request;
    const { tenantId } = currentCaller();
    const binding = `ListWebhookDeliveries ${tenantId} ${endpointId ?? ''} ${state}`;
    const [after = null] = pageToken === undefined ? [] : readPageToken(this.key, binding, pageToken);
    const states = state === WebhookDeliveryState.UNSPECIFIED ? null : WebhookDeliveryState[state];
    // UUIDv7 ids sort by creation time.
    const rows = await readForTenant<DeliveryRow>(this.em, {
      sql: `select ${deliveryColumns} from webhook_delivery
        where tenant_id = $1 and ($2::uuid is null or endpoint_id = $2) and ($3::text is null or state = $3)
          and ($4::uuid is null or id < $4)
        order by id desc limit $5`,
      values: [tenantId, endpointId ?? null, states, after, pageSize + 1],
    });
    const page = rows.slice(0, pageSize);
    const last = rows.length > pageSize ? page.at(-1) : undefined;
    return {
      webhookDeliveries: await this.#messages(page),
      nextPageToken: last && signPageToken(this.key, binding, [last.id]),
    };
  }

  async getWebhookDelivery({ id }: GetWebhookDeliveryRequest): Promise<WebhookDelivery> {
    const [delivery] = await this.#messages([await this.#find(id)]);
    return delivery!;
  }

  async listWebhookAttempts({ id }: ListWebhookAttemptsRequest): Promise<ListWebhookAttemptsResponse> {
    await this.#find(id);
    const rows = await readForTenant<AttemptRow>(this.em, {
      sql: `select number, time, duration_ms, status, error from webhook_attempt
        where tenant_id = $1 and delivery_id = $2 order by number limit 100`,
      values: [currentCaller().tenantId, id],
    });
    return {
      attempts: rows.map(({ number, time, duration_ms, status, error }) => ({
        number,
        time: new Date(time).toISOString(),
        durationMs: duration_ms,
        status: status ?? undefined,
        error: error ?? undefined,
      })),
    };
  }

  async #messages(rows: readonly DeliveryRow[]): Promise<WebhookDelivery[]> {
    const { permissions } = currentCaller();
    const records = rows.map(recordOfDelivery);
    const shows = await this.access.among(records);
    return rows.map((row, index) =>
      deliveryMessage(row, canReadType(row.event_type, permissions) && shows(records[index]!)),
    );
  }

  /** @throws AppError NOT_FOUND, also for a delivery of another tenant */
  async #find(id: string): Promise<DeliveryRow> {
    const [row] = await readForTenant<DeliveryRow>(this.em, {
      sql: `select ${deliveryColumns} from webhook_delivery where tenant_id = $1 and id = $2`,
      values: [currentCaller().tenantId, id],
    });
    if (row) return row;
    throw new AppError('NOT_FOUND', 'WEBHOOK_DELIVERY_NOT_FOUND', 'There is no such webhook delivery.');
  }
}
