import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import {
  DealMergesServiceService as Methods,
  type DealMergeResult,
  type DealMergesServiceServer,
  type MergeDealsRequest,
  type UndoDealMergeRequest,
} from '@rapport/contracts/rapport/sales/v1/deal_merges_service';
import { writeCall } from '../../../engine/records/write-call.js';
import { mergeDeals } from './merge-deals.js';
import { undoDealMerge } from './undo-deal-merge.js';

@Controller()
@ImplementsService(Methods)
export class DealMergesController implements ServiceHandlers<DealMergesServiceServer> {
  constructor(private readonly em: EntityManager) {}

  mergeDeals(request: MergeDealsRequest): Promise<DealMergeResult> {
    return writeCall(this.em, Methods.mergeDeals, request, (em) => mergeDeals(em, request));
  }

  undoDealMerge(request: UndoDealMergeRequest): Promise<DealMergeResult> {
    return writeCall(this.em, Methods.undoDealMerge, request, (em) => undoDealMerge(em, request));
  }
}
