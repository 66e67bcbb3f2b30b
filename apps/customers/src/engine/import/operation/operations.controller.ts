import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import {
  OperationsServiceService as Methods,
  type CancelOperationRequest,
  type CreateImportRequest,
  type DeleteImportMappingRequest,
  type DownloadOperationIssuesRequest,
  type GetImportMappingRequest,
  type GetOperationRequest,
  type ImportMapping,
  type ListImportMappingsResponse,
  type ListOperationIssuesRequest,
  type ListOperationIssuesResponse,
  type ListOperationsRequest,
  type ListOperationsResponse,
  type Operation as OperationMessage,
  type OperationsServiceServer,
  type PauseOperationRequest,
  type ResumeOperationRequest,
  type SaveImportMappingRequest,
  type UndoOperationRequest,
  type UploadImportFileRequest,
  type WatchOperationRequest,
} from '@rapport/contracts/rapport/customers/v1/operations_service';
import { PageTokenKey } from '@rapport/persistence';
import { BulkWork } from '../../pace/bulk-work.js';
import { writeCall } from '../../records/write-call.js';
import { listOperations } from '../../operations/list-operations.js';
import { downloadIssues, listIssues } from '../../operations/operation-issues.js';
import { OperationKinds } from '../../operations/operation-kind.js';
import { openMessage, operationMessage } from '../../operations/operation-message.js';
import { readOperation } from '../../operations/read-operation.js';
import { cancelOperation, pauseOperation, resumeOperation, undoOperation } from '../../operations/steer-operation.js';
import { OperationWatcher } from '../../operations/watch-operation.js';
import { ImportTypes } from '../import-rules.js';
import { createImport } from './create-import.js';
import { deleteMapping, findMapping, listMappings, mappingMessage, saveMapping } from './import-mappings.js';
import { uploadImportFile } from './upload-import-file.js';

/** Operations of all kinds, and the methods of imports: the contract defines both in one service. */
@Controller()
@ImplementsService(Methods)
export class OperationsController implements ServiceHandlers<OperationsServiceServer> {
  constructor(
    private readonly em: EntityManager,
    private readonly kinds: OperationKinds,
    private readonly importTypes: ImportTypes,
    private readonly pageTokenKey: PageTokenKey,
    private readonly watcher: OperationWatcher,
    private readonly bulk: BulkWork,
  ) {}

  async createImport(request: CreateImportRequest): Promise<OperationMessage> {
    const create = (em: EntityManager) => createImport(em, this.importTypes, request);
    return openMessage(await writeCall(this.em, Methods.createImport, request, create));
  }

  uploadImportFile(requests: AsyncIterable<UploadImportFileRequest>): Promise<OperationMessage> {
    const { importQuotaBytes: quotaBytes } = this.bulk;
    return uploadImportFile(this.em, { types: this.importTypes, quotaBytes }, requests);
  }

  async getOperation({ id }: GetOperationRequest): Promise<OperationMessage> {
    return operationMessage(await readOperation(this.em, id));
  }

  listOperations(request: ListOperationsRequest): Promise<ListOperationsResponse> {
    return listOperations(this.em, this.pageTokenKey, request);
  }

  watchOperation({ id }: WatchOperationRequest): AsyncIterable<OperationMessage> {
    return this.watcher.watch(id);
  }

  pauseOperation({ id }: PauseOperationRequest): Promise<OperationMessage> {
    return pauseOperation(this.em, this.kinds, id);
  }

  resumeOperation({ id }: ResumeOperationRequest): Promise<OperationMessage> {
    return resumeOperation(this.em, this.kinds, id);
  }

  cancelOperation({ id }: CancelOperationRequest): Promise<OperationMessage> {
    return cancelOperation(this.em, this.kinds, id);
  }

  undoOperation({ id }: UndoOperationRequest): Promise<OperationMessage> {
    return undoOperation(this.em, this.kinds, id);
  }

  listOperationIssues(request: ListOperationIssuesRequest): Promise<ListOperationIssuesResponse> {
    return listIssues(this.em, this.pageTokenKey, request);
  }

  downloadOperationIssues({ id }: DownloadOperationIssuesRequest): AsyncIterable<HttpBody> {
    return downloadIssues(this.em, id);
  }

  saveImportMapping(request: SaveImportMappingRequest): Promise<ImportMapping> {
    return saveMapping(this.em, this.importTypes, request);
  }

  async getImportMapping({ key }: GetImportMappingRequest): Promise<ImportMapping> {
    return mappingMessage(await findMapping(this.em, key));
  }

  listImportMappings(): Promise<ListImportMappingsResponse> {
    return listMappings(this.em);
  }

  deleteImportMapping({ key }: DeleteImportMappingRequest): Promise<ImportMapping> {
    return deleteMapping(this.em, key);
  }
}
