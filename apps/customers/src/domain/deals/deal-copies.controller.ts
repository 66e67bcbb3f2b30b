import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import type { Deal } from '@rapport/contracts/rapport/sales/v1/deal';
import {
  DealCopiesServiceService as Methods,
  type CloneDealRequest,
  type DealCopiesServiceServer,
} from '@rapport/contracts/rapport/sales/v1/deal_copies_service';
import { hotWriteCall } from '../../engine/records/write-call.js';
import { cloneDeal } from './clone-deal.js';

@Controller()
@ImplementsService(Methods)
export class DealCopiesController implements ServiceHandlers<DealCopiesServiceServer> {
  constructor(private readonly em: EntityManager) {}

  cloneDeal(request: CloneDealRequest): Promise<Deal> {
    return hotWriteCall(this.em, Methods.cloneDeal, request, (transaction) => cloneDeal(transaction, request));
  }
}
