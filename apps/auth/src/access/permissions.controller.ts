import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import {
  ExplainPermissionResponse_Rule as Rule,
  PermissionsServiceService,
  type ExplainPermissionRequest,
  type ExplainPermissionResponse,
  type ListPermissionsResponse,
  type PermissionsServiceServer,
} from '@rapport/contracts/rapport/auth/v1/permissions_service';
import { invalidArgument, type ViolationCode } from '@rapport/platform';
import { decided, explainPermission } from './explain-permission.js';
import { contract, isKnownPermission, knownPermissions } from './known-permissions.js';

@Controller()
@ImplementsService(PermissionsServiceService)
export class PermissionsController implements ServiceHandlers<PermissionsServiceServer> {
  constructor(private readonly em: EntityManager) {}

  async listPermissions(): Promise<ListPermissionsResponse> {
    return { permissions: [...knownPermissions] };
  }

  async explainPermission(request: ExplainPermissionRequest): Promise<ExplainPermissionResponse> {
    const { principalId, method } = request;
    if (method === undefined) return explainPermission(this.em, principalId, permissionOf(request));
    const policy = policyOf(request, method);
    if (policy.public) return decided(Rule.PUBLIC, true);
    if (policy.internal) return decided(Rule.INTERNAL, false);
    return explainPermission(this.em, principalId, policy.permission);
  }
}

function permissionOf({ permission }: ExplainPermissionRequest): string {
  if (permission === undefined) throw wrong('permission', 'REQUIRED', 'is required, or `method` is');
  if (!isKnownPermission(permission)) {
    throw wrong('permission', 'PERMISSION_UNKNOWN', `must be one of ${knownPermissions.join(', ')}`);
  }
  return permission;
}

function policyOf({ permission }: ExplainPermissionRequest, method: string) {
  if (permission !== undefined) throw wrong('method', 'CONFLICTING_FIELDS', 'cannot be combined with `permission`');
  const policy = contract.method(`/${method}`)?.policy;
  if (!policy) throw wrong('method', 'METHOD_UNKNOWN', 'is not an operation of the API');
  return policy;
}

function wrong(field: string, reason: ViolationCode, description: string) {
  return invalidArgument([{ field, reason, description }]);
}
