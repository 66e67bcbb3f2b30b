import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import type { Pipeline } from '@rapport/contracts/rapport/sales/v1/pipeline';
import {
  PipelineStagesServiceService as Methods,
  type AddStageRequest,
  type ArchivePipelineRequest,
  type ArchivePipelineResponse,
  type PipelineStagesServiceServer,
  type RemoveStageRequest,
  type RemoveStageResponse,
  type ReorderStagesRequest,
} from '@rapport/contracts/rapport/sales/v1/pipeline_stages_service';
import { hotWriteCall } from '../../engine/records/write-call.js';
import { addStage, archivePipeline, removeStage, reorderStages } from './pipeline-stages.js';

@Controller()
@ImplementsService(Methods)
export class PipelineStagesController implements ServiceHandlers<PipelineStagesServiceServer> {
  constructor(private readonly em: EntityManager) {}

  addStage(request: AddStageRequest): Promise<Pipeline> {
    return hotWriteCall(this.em, Methods.addStage, request, (transaction) => addStage(transaction, request));
  }

  reorderStages(request: ReorderStagesRequest): Promise<Pipeline> {
    return hotWriteCall(this.em, Methods.reorderStages, request, (transaction) => reorderStages(transaction, request));
  }

  removeStage(request: RemoveStageRequest): Promise<RemoveStageResponse> {
    return hotWriteCall(this.em, Methods.removeStage, request, (transaction) => removeStage(transaction, request));
  }

  archivePipeline(request: ArchivePipelineRequest): Promise<ArchivePipelineResponse> {
    return hotWriteCall(this.em, Methods.archivePipeline, request, (transaction) =>
      archivePipeline(transaction, request),
    );
  }
}
