import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import type { Deal } from '@rapport/contracts/rapport/sales/v1/deal';
import {
  DealMove,
  DealMovesServiceService as Methods,
  type CheckDealMoveRequest,
  type CheckDealMoveResponse,
  type DealMovesServiceServer,
  type LoseDealRequest,
  type MoveDealRequest,
  type ReopenDealRequest,
  type TransferDealRequest,
  type WinDealRequest,
} from '@rapport/contracts/rapport/sales/v1/deal_moves_service';
import { StageKind } from '@rapport/contracts/rapport/sales/v1/pipeline';
import { AppError } from '@rapport/platform';
import { hotWriteCall } from '../../engine/records/write-call.js';
import { stageOfKind, stageToReopen } from './close-deal.js';
import { moveDeal } from './move-deal.js';

@Controller()
@ImplementsService(Methods)
export class DealMovesController implements ServiceHandlers<DealMovesServiceServer> {
  constructor(private readonly em: EntityManager) {}

  moveDeal(request: MoveDealRequest): Promise<Deal> {
    return hotWriteCall(this.em, Methods.moveDeal, request, (transaction) =>
      moveDeal(transaction, { ...request, field: 'move' }),
    );
  }

  async checkDealMove({ id, move }: CheckDealMoveRequest): Promise<CheckDealMoveResponse> {
    try {
      await this.moveDeal({ id, move, etag: undefined, requestId: undefined, validateOnly: true });
      return { allowed: true, refusals: [] };
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'INVALID_ARGUMENT') throw error;
      return { allowed: false, refusals: error.violations };
    }
  }

  winDeal(request: WinDealRequest): Promise<Deal> {
    const { win } = request;
    const stage = { wanted: win?.stage, field: 'win.stage' };
    return hotWriteCall(this.em, Methods.winDeal, request, (transaction) =>
      moveDeal(transaction, {
        ...{ ...request, field: 'win', move: win && { ...noMove, ...win } },
        choose: ({ pipeline }) => stageOfKind(pipeline, StageKind.WON, stage),
      }),
    );
  }

  loseDeal(request: LoseDealRequest): Promise<Deal> {
    const { loss } = request;
    const stage = { wanted: loss?.stage, field: 'loss.stage' };
    return hotWriteCall(this.em, Methods.loseDeal, request, (transaction) =>
      moveDeal(transaction, {
        ...{ ...request, field: 'loss', lostReasonField: 'loss.reason', move: loss && { ...noMove, ...loss } },
        choose: ({ pipeline }) => ({ ...stageOfKind(pipeline, StageKind.LOST, stage), lostReason: loss?.reason }),
      }),
    );
  }

  reopenDeal(request: ReopenDealRequest): Promise<Deal> {
    const { reopening } = request;
    const stage = { wanted: reopening?.stage, field: 'reopening.stage' };
    return hotWriteCall(this.em, Methods.reopenDeal, request, (transaction) =>
      moveDeal(transaction, {
        ...{ ...request, field: 'reopening', move: reopening && { ...noMove, ...reopening } },
        choose: (locked) => stageToReopen(transaction, locked, stage),
      }),
    );
  }

  transferDeal(request: TransferDealRequest): Promise<Deal> {
    const { transfer } = request;
    return hotWriteCall(this.em, Methods.transferDeal, request, (transaction) =>
      moveDeal(transaction, { ...request, field: 'transfer', move: transfer && { ...noMove, ...transfer } }),
    );
  }
}

const noMove: DealMove = { ...DealMove.decode(new Uint8Array()), updateMask: undefined };
