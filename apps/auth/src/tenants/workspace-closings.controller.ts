import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, PrincipalSigner, type ServiceHandlers } from '@rapport/contracts';
import type { Empty } from '@rapport/contracts/google/protobuf/empty';
import {
  WorkspaceClosingsServiceService,
  type CloseWorkspaceRequest,
  type ListOpenClosingsResponse,
  type ReportClosingPassRequest,
  type WorkspaceClosing,
  type WorkspaceClosingsServiceServer,
} from '@rapport/contracts/rapport/auth/v1/workspace_closings_service';
import { currentCaller, requireSync } from '@rapport/platform';
import { closeTenant } from './close-tenant.js';
import { ClosingRules, openClosings, reportPass } from './open-closings.js';

@Controller()
@ImplementsService(WorkspaceClosingsServiceService)
export class WorkspaceClosingsController implements ServiceHandlers<WorkspaceClosingsServiceServer> {
  constructor(
    private readonly em: EntityManager,
    private readonly principals: PrincipalSigner,
    private readonly rules: ClosingRules,
  ) {}

  async closeWorkspace({ closing }: CloseWorkspaceRequest): Promise<WorkspaceClosing> {
    const { tenantId } = currentCaller();
    const requestTime = await closeTenant(this.em, closing?.tenantId ?? '');
    return { tenantId, requestTime: requestTime.toISOString() };
  }

  async listOpenClosings(): Promise<ListOpenClosingsResponse> {
    requireSync();
    const tenants = await openClosings(this.em);
    const proof = { principalId: 'service:closing', permissions: [] };
    return {
      closings: tenants.map((tenantId) => ({
        tenantId,
        closingToken: this.principals.sign({ ...proof, tenantId }),
      })),
    };
  }

  async reportClosingPass(request: ReportClosingPassRequest): Promise<Empty> {
    requireSync();
    await reportPass(this.em, request, this.rules);
    return {};
  }
}
