import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, PrincipalVerifier, type ServiceHandlers } from '@rapport/contracts';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import type { Operation as OperationMessage } from '@rapport/contracts/rapport/customers/v1/operations_service';
import {
  WorkspaceServiceService as Methods,
  type DownloadWorkspaceExportRequest,
  type ExportWorkspaceRequest,
  type ImportWorkspaceRequest,
  type RemoveClosedTenantRequest,
  type RemoveClosedTenantResponse,
  type UploadWorkspaceArchiveRequest,
  type WorkspaceServiceServer,
} from '@rapport/contracts/rapport/work/v1/workspace_service';
import { LoggedTypes } from '../../engine/changes/log/logged-types.js';
import { FileStore } from '../../engine/files/file-store.js';
import { jobSignal } from '../../engine/operations/operation-jobs.js';
import { writeCall } from '../../engine/records/write-call.js';
import { Sealing } from '../../engine/sealing/sealing.js';
import { createExport, createImport } from './create-operations.js';
import { downloadExport } from './download-export.js';
import { removeClosedTenant } from './remove-closed-tenant.js';
import { uploadArchive } from './upload-archive.js';
import { sectionsOf } from './archive/sections.js';

/** Exports and imports workspaces. Callers limited to some records are refused (see `scopedControllers`). */
@Controller()
@ImplementsService(Methods)
export class WorkspaceController implements ServiceHandlers<WorkspaceServiceServer> {
  constructor(
    private readonly em: EntityManager,
    private readonly types: LoggedTypes,
    private readonly files: FileStore,
    private readonly sealing: Sealing,
    private readonly principals: PrincipalVerifier,
  ) {}

  async exportWorkspace(request: ExportWorkspaceRequest): Promise<OperationMessage> {
    const operation = await writeCall(this.em, Methods.exportWorkspace, request, createExport);
    jobSignal(this.em).wake();
    return operation;
  }

  downloadWorkspaceExport({ id }: DownloadWorkspaceExportRequest): AsyncIterable<HttpBody> {
    return downloadExport(this.em, id);
  }

  importWorkspace(request: ImportWorkspaceRequest): Promise<OperationMessage> {
    const sections = sectionsOf(this.types);
    return writeCall(this.em, Methods.importWorkspace, request, (em) => createImport(em, sections));
  }

  uploadWorkspaceArchive(requests: AsyncIterable<UploadWorkspaceArchiveRequest>): Promise<OperationMessage> {
    return uploadArchive(this.em, this.files, requests);
  }

  removeClosedTenant({ closingToken }: RemoveClosedTenantRequest): Promise<RemoveClosedTenantResponse> {
    return removeClosedTenant(this.em, this.sealing, { principals: this.principals, closingToken });
  }
}
