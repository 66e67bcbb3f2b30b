import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import {
  AttributionsServiceService,
  type AttributionsServiceServer,
  type ComputeAttributionsRequest,
  type ComputeAttributionsResponse,
} from '@rapport/contracts/rapport/marketing/v1/attributions_service';
import { recordType } from '../../engine/fields/record-type.js';
import { checkMayRead } from '../../engine/query/filter/compile-filter.js';
import { computeAttributions } from './compute-attribution.js';

@Controller()
@ImplementsService(AttributionsServiceService)
export class AttributionsController implements ServiceHandlers<AttributionsServiceServer> {
  constructor(private readonly em: EntityManager) {}

  computeAttributions(request: ComputeAttributionsRequest): Promise<ComputeAttributionsResponse> {
    // The answer has the amounts of deals.
    checkMayRead(recordType('rapport/Deal'));
    return computeAttributions(this.em, request);
  }
}
