import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import type { Empty } from '@rapport/contracts/google/protobuf/empty';
import {
  DeliveryLimitsServiceService as Methods,
  type CreateDeliveryLimitRequest,
  type DeleteDeliveryLimitRequest,
  type DeliveryLimit as DeliveryLimitMessage,
  type DeliveryLimitsServiceServer,
  type GetDeliveryLimitRequest,
  type ListDeliveryLimitsResponse,
  type UnblockDeliveryLimitRequest,
  type UpdateDeliveryLimitRequest,
} from '@rapport/contracts/rapport/mail/v1/delivery_limits_service';
import { currentCaller } from '@rapport/platform';
import { SecretEnvelope } from '../../storage/secret-envelope.js';
import { writeCall } from '../../storage/write-call.js';
import { DeliveryLimit } from './delivery-limit.entity.js';
import {
  createDeliveryLimit,
  deleteDeliveryLimit,
  findLimit,
  limitMessage,
  unblockDeliveryLimit,
  updateDeliveryLimit,
} from './write-delivery-limit.js';

@Controller()
@ImplementsService(Methods)
export class DeliveryLimitsController implements ServiceHandlers<DeliveryLimitsServiceServer> {
  constructor(
    private readonly em: EntityManager,
    private readonly envelope: SecretEnvelope,
  ) {}

  createDeliveryLimit(request: CreateDeliveryLimitRequest): Promise<DeliveryLimitMessage> {
    return writeCall(this.em, this.envelope, Methods.createDeliveryLimit, request, (em) =>
      createDeliveryLimit(em, request),
    );
  }

  async getDeliveryLimit({ id }: GetDeliveryLimitRequest): Promise<DeliveryLimitMessage> {
    return limitMessage(await findLimit(this.em, id));
  }

  async listDeliveryLimits(): Promise<ListDeliveryLimitsResponse> {
    const { tenantId } = currentCaller();
    const limits = await this.em.find(DeliveryLimit, { tenantId }, { orderBy: { match: 'asc' } });
    return { deliveryLimits: limits.map(limitMessage) };
  }

  updateDeliveryLimit(request: UpdateDeliveryLimitRequest): Promise<DeliveryLimitMessage> {
    return writeCall(this.em, this.envelope, Methods.updateDeliveryLimit, request, (em) =>
      updateDeliveryLimit(em, request),
    );
  }

  async deleteDeliveryLimit(request: DeleteDeliveryLimitRequest): Promise<Empty> {
    await this.em.transactional((em) => deleteDeliveryLimit(em, request));
    return {};
  }

  unblockDeliveryLimit(request: UnblockDeliveryLimitRequest): Promise<DeliveryLimitMessage> {
    return this.em.transactional((em) => unblockDeliveryLimit(em, request));
  }
}
