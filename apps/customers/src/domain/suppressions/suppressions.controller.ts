import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import {
  SuppressionsServiceService as Methods,
  type CheckSuppressionsRequest,
  type CheckSuppressionsResponse,
  type CreateSuppressionRequest,
  type DeleteSuppressionRequest,
  type GetSuppressionRequest,
  type ListSuppressionsRequest,
  type ListSuppressionsResponse,
  type Suppression as SuppressionMessage,
  type SuppressionsServiceServer,
} from '@rapport/contracts/rapport/customers/v1/suppressions_service';
import { PageTokenKey } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { writeCall } from '../../engine/records/write-call.js';
import { createSuppression } from './create-suppression.js';
import { checkSuppressions, findSuppression, listSuppressions } from './find-suppressions.js';
import { claimsEnded } from './opt-out-lock.js';
import { SuppressionKey } from './suppression-key.js';
import { Suppression } from './suppression.entity.js';

@Controller()
@ImplementsService(Methods)
export class SuppressionsController implements ServiceHandlers<SuppressionsServiceServer> {
  constructor(
    private readonly em: EntityManager,
    private readonly pageTokenKey: PageTokenKey,
    private readonly suppressionKey: SuppressionKey,
  ) {}

  async createSuppression(request: CreateSuppressionRequest): Promise<SuppressionMessage> {
    const suppression = await writeCall(this.em, Methods.createSuppression, request, async (em) =>
      createSuppression(em, await this.suppressionKey.of(em), request),
    );
    await claimsEnded(this.em);
    return suppression;
  }

  getSuppression({ id }: GetSuppressionRequest): Promise<SuppressionMessage> {
    return findSuppression(this.em, id);
  }

  listSuppressions(request: ListSuppressionsRequest): Promise<ListSuppressionsResponse> {
    return listSuppressions(this.em, this.pageTokenKey, request);
  }

  deleteSuppression(request: DeleteSuppressionRequest): Promise<SuppressionMessage> {
    const { id } = request;
    return writeCall(this.em, Methods.deleteSuppression, request, async (em) => {
      const suppression = await findSuppression(em, id);
      await em.nativeDelete(Suppression, { tenantId: currentCaller().tenantId, id });
      return suppression;
    });
  }

  async checkSuppressions(request: CheckSuppressionsRequest): Promise<CheckSuppressionsResponse> {
    return checkSuppressions(this.em, await this.suppressionKey.of(this.em), request);
  }
}
