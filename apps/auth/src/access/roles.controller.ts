import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, readMask, type ServiceHandlers, type Updatable } from '@rapport/contracts';
import type { Empty } from '@rapport/contracts/google/protobuf/empty';
import {
  RolesServiceService,
  type CreateRoleRequest,
  type DeleteRoleRequest,
  type GetRoleRequest,
  type ListRolesResponse,
  type Role as RoleMessage,
  type RolesServiceServer,
  type UpdateRoleRequest,
} from '@rapport/contracts/rapport/auth/v1/roles_service';
import { checkEtag, isUniqueViolation } from '@rapport/persistence';
import { AppError, currentCaller, invalidArgument } from '@rapport/platform';
import { v7 } from 'uuid';
import { recordSecurityEvent } from '../security-events/security-event.js';
import { lockTenant } from '../tenants/tenant-lock.js';
import { UserAccount } from '../storage/user-account.entity.js';
import { Role } from '../storage/role.entity.js';
import { builtInRoles } from './built-in-roles.js';
import { checkEscalation } from './check-escalation.js';
import { unknownPermissions } from './check-permissions.js';
import { findRoles } from './principal-rights.js';
import type { Grant } from './rights.js';
import { readRecordScope, roleMessage } from './role-message.js';

/** Maximum number of roles that a tenant defines. */
const maxRoles = 100;

const updatable: Updatable<'displayName' | 'permissions' | 'recordScope' | 'hidesPii'> = {
  name: 'role',
  noun: 'a role',
  fields: ['displayName', 'permissions', 'recordScope', 'hidesPii'],
  fixed: Object.fromEntries(['id', 'builtIn', 'etag', 'createTime', 'updateTime'].map((name) => [name, 'OUTPUT_ONLY'])),
};

@Controller()
@ImplementsService(RolesServiceService)
export class RolesController implements ServiceHandlers<RolesServiceServer> {
  constructor(private readonly em: EntityManager) {}

  async listRoles(): Promise<ListRolesResponse> {
    const { tenantId } = currentCaller();
    const own = await this.em.find(Role, { tenantId }, { orderBy: { id: 'asc' }, limit: maxRoles });
    return { roles: [...builtInRoles, ...own].map(roleMessage) };
  }

  async getRole({ id }: GetRoleRequest): Promise<RoleMessage> {
    const [role] = await findRoles(this.em, [id]);
    if (!role) throw roleNotFound();
    return roleMessage(role);
  }

  async createRole({ role: wanted }: CreateRoleRequest): Promise<RoleMessage> {
    if (!wanted) throw invalidArgument([{ field: 'role', reason: 'REQUIRED', description: 'is required' }]);
    const grant = checkedGrant(wanted);
    return this.em.transactional(async (em) => {
      const { id: tenantId } = await lockTenant(em);
      if ((await em.count(Role, { tenantId })) >= maxRoles) {
        throw new AppError('RESOURCE_EXHAUSTED', 'TOO_MANY_ROLES', `A tenant can define at most ${maxRoles} roles.`);
      }
      const now = new Date();
      const role = em.create(Role, {
        ...grant,
        tenantId,
        id: v7(),
        displayName: wanted.displayName,
        createTime: now,
        updateTime: now,
      });
      await flushUnlessTaken(em);
      await recordRole(em, 'ROLE_CREATED', role);
      return roleMessage(role);
    });
  }

  async updateRole({ id, role: changes, updateMask, etag }: UpdateRoleRequest): Promise<RoleMessage> {
    if (!changes) throw invalidArgument([{ field: 'role', reason: 'REQUIRED', description: 'is required' }]);
    const mask = readMask(updateMask, updatable);
    return this.em.transactional(async (em) => {
      await lockTenant(em);
      const role = await findOwnRole(em, id);
      checkEtag(etag, role.version);
      checkEscalation({ ...role, teamIds: [] });
      const named = Object.fromEntries(mask.map((field) => [field, changes[field]])) as Partial<RoleMessage>;
      const { displayName, ...content } = { ...roleMessage(role), ...named };
      if (displayName === '') throw invalidArgument([{ field: 'role.displayName', ...required }]);
      em.assign(role, { displayName, ...checkedGrant(content), updateTime: new Date(), version: role.version + 1 });
      await flushUnlessTaken(em);
      await recordRole(em, 'ROLE_CHANGED', role);
      return roleMessage(role);
    });
  }

  async deleteRole({ id, etag }: DeleteRoleRequest): Promise<Empty> {
    return this.em.transactional(async (em) => {
      const { id: tenantId } = await lockTenant(em);
      const role = await findOwnRole(em, id);
      checkEtag(etag, role.version);
      checkEscalation({ ...role, teamIds: [] });
      if (await em.findOne(UserAccount, { tenantId, roleIds: { $contains: [id] } })) {
        throw new AppError(
          'FAILED_PRECONDITION',
          'ROLE_IN_USE',
          'The role is assigned to users. Assign another role to them first.',
        );
      }
      em.remove(role);
      await recordRole(em, 'ROLE_DELETED', role);
      return {};
    });
  }
}

function recordRole(
  em: EntityManager,
  kind: 'ROLE_CREATED' | 'ROLE_CHANGED' | 'ROLE_DELETED',
  role: Role,
): Promise<void> {
  const { id, permissions, recordScope, hidesPii } = role;
  const detail = { permissions, recordScope, hidesPii };
  return recordSecurityEvent(em, { kind, outcome: 'SUCCESS', records: [`role/${id}`], detail });
}

const required = { reason: 'REQUIRED', description: 'is required' } as const;

/** Validates the rights of a role. @throws AppError INVALID_ARGUMENT, or PERMISSION_DENIED for rights that the caller lacks */
function checkedGrant(
  wanted: Omit<RoleMessage, 'displayName'>,
): { [Key in keyof Grant]: Grant[Key] } & { permissions: string[] } {
  const permissions = [...new Set(wanted.permissions)];
  const violations = unknownPermissions('role.permissions', wanted.permissions);
  if (permissions.length === 0) violations.push({ field: 'role.permissions', ...required });
  if (violations.length > 0) throw invalidArgument(violations);
  const grant = { permissions, recordScope: readRecordScope(wanted.recordScope, 'OWN'), hidesPii: wanted.hidesPii };
  checkEscalation({ ...grant, teamIds: [] });
  return grant;
}

async function findOwnRole(em: EntityManager, id: string): Promise<Role> {
  if (builtInRoles.some((role) => role.id === id)) {
    throw new AppError(
      'FAILED_PRECONDITION',
      'ROLE_BUILT_IN',
      'Built-in roles cannot be changed. Create a role instead.',
    );
  }
  const role = await em.findOne(Role, { tenantId: currentCaller().tenantId, id });
  if (!role) throw roleNotFound();
  return role;
}

function roleNotFound(): AppError {
  return new AppError('NOT_FOUND', 'ROLE_NOT_FOUND', 'The role does not exist.');
}

async function flushUnlessTaken(em: EntityManager): Promise<void> {
  await em.flush().catch((error: unknown) => {
    if (!isUniqueViolation(error)) throw error;
    throw new AppError('ALREADY_EXISTS', 'ROLE_NAME_TAKEN', 'Another role has this name.', {
      violations: [{ field: 'role.displayName', reason: 'TAKEN', description: 'is the name of another role' }],
    });
  });
}
