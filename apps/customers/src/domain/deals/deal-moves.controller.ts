import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import type { Deal } from '@rapport/contracts/rapport/sales/v1/deal';
import {
  DealMovesServiceService as Methods,
  type DealMovesServiceServer,
  type MoveDealRequest,
} from '@rapport/contracts/rapport/sales/v1/deal_moves_service';
import { hotWriteCall } from '../../engine/records/write-call.js';
import { moveDeal } from './move-deal.js';

@Controller()
@ImplementsService(Methods)
export class DealMovesController implements ServiceHandlers<DealMovesServiceServer> {
  constructor(private readonly em: EntityManager) {}

  moveDeal(request: MoveDealRequest): Promise<Deal> {
    return hotWriteCall(this.em, Methods.moveDeal, request, (transaction) => moveDeal(transaction, request));
  }
}
