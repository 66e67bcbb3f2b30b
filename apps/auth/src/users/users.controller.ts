import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import type { Empty } from '@rapport/contracts/google/protobuf/empty';
import {
  UsersServiceService,
  User_State,
  type AcceptInvitationRequest,
  type ClaimUserStatesResponse,
  type ConfirmUserStatesRequest,
  type CreateUserRequest,
  type DeleteUserRequest,
  type FindOwnersRequest,
  type FindOwnersResponse,
  type FindUsersRequest,
  type FindUsersResponse,
  type GetPrincipalRightsRequest,
  type GetUserRequest,
  type ListUsersRequest,
  type ListUsersResponse,
  type PrincipalRights,
  type ResendInvitationRequest,
  type ResetTwoFactorRequest,
  type UpdateUserRequest,
  type User as UserMessage,
  type UsersServiceServer,
} from '@rapport/contracts/rapport/auth/v1/users_service';
import { isUniqueViolation, readPageToken, signPageToken } from '@rapport/persistence';
import { AppError, currentCaller, invalidArgument, requireService } from '@rapport/platform';
import { v7 } from 'uuid';
import { findPrincipal } from '../access/find-principal.js';
import { PasswordHasher } from '../sign-in/passwords/password-hasher.js';
import { Secrets } from '../storage/secrets.js';
import { recordSecurityEvent } from '../security-events/security-event.js';
import { lockTenant } from '../tenants/tenant-lock.js';
import { emailKey, UserAccount } from '../storage/user-account.entity.js';
import { acceptInvitation } from './accept-invitation.js';
import { checkAssignment, findUser, findUserForChange } from './check-user.js';
import { findOwners } from './find-owners.js';
import { findUsers } from './find-users.js';
import { deleteUser, resetTwoFactor, updateUser } from './write-user.js';
import { Invitations } from './invitations.js';
import { storedLocale } from './user-locale.js';
import { userMessage, userMessages } from './user-message.js';
import { claimUserStates, confirmUserStates } from './user-states.js';

@Controller()
@ImplementsService(UsersServiceService)
export class UsersController implements ServiceHandlers<UsersServiceServer> {
  constructor(
    private readonly em: EntityManager,
    private readonly secrets: Secrets,
    private readonly invitations: Invitations,
    private readonly passwordHasher: PasswordHasher,
  ) {}

  async createUser({ user: wanted }: CreateUserRequest): Promise<UserMessage> {
    if (!wanted) throw invalidArgument([{ field: 'user', reason: 'REQUIRED', description: 'is required' }]);
    if (wanted.state !== User_State.UNSPECIFIED) {
      throw invalidArgument([
        { field: 'user.state', reason: 'STATE_GIVEN', description: 'must be unset: new users are INVITED' },
      ]);
    }
    const locale = storedLocale('user', wanted);
    const { user, send } = await this.em.transactional(async (em) => {
      const tenant = await lockTenant(em);
      const assignment = { roleIds: [...new Set(wanted.roleIds)], teamId: wanted.teamId ?? null };
      await checkAssignment(em, assignment);
      const now = new Date();
      const user = em.create(UserAccount, {
        ...assignment,
        tenantId: tenant.id,
        id: v7(),
        email: emailKey(wanted.email),
        displayName: wanted.displayName,
        ...locale,
        state: 'INVITED',
        createTime: now,
        updateTime: now,
      });
      await flushUnlessTaken(em);
      const send = await this.invitations.prepare(em, user, tenant.displayName);
      const records = [`user/${user.id}`];
      await recordSecurityEvent(em, { kind: 'USER_INVITED', outcome: 'SUCCESS', records, detail: assignment });
      return { user, send };
    });
    await send();
    return userMessage(this.em, user);
  }

  async getUser({ id }: GetUserRequest): Promise<UserMessage> {
    return userMessage(this.em, await findUser(this.em, id));
  }

  async listUsers({ pageSize = 50, pageToken }: ListUsersRequest): Promise<ListUsersResponse> {
    const { tenantId } = currentCaller();
    const binding = `ListUsers ${tenantId}`;
    const [after] = pageToken === undefined ? [] : readPageToken(this.secrets.pageTokenKey, binding, pageToken);
    const users = await this.em.find(
      UserAccount,
      { tenantId, ...(after ? { id: { $lt: after } } : {}) },
      { orderBy: { id: 'desc' }, limit: pageSize + 1 },
    );
    const page = users.slice(0, pageSize);
    const last = users.length > pageSize ? page.at(-1) : undefined;
    return {
      users: await userMessages(this.em, page),
      nextPageToken: last && signPageToken(this.secrets.pageTokenKey, binding, [last.id]),
    };
  }

  async updateUser(request: UpdateUserRequest): Promise<UserMessage> {
    return userMessage(this.em, await updateUser(this.em, request));
  }

  async deleteUser(request: DeleteUserRequest): Promise<Empty> {
    await deleteUser(this.em, request);
    return {};
  }

  async resendInvitation({ id }: ResendInvitationRequest): Promise<UserMessage> {
    const { user, send } = await this.em.transactional(async (em) => {
      const tenant = await lockTenant(em);
      const user = await findUserForChange(em, id);
      if (user.state !== 'INVITED') {
        throw new AppError(
          'FAILED_PRECONDITION',
          'USER_NOT_INVITED',
          'The user has accepted the invitation or is disabled.',
        );
      }
      return { user, send: await this.invitations.prepare(em, user, tenant.displayName) };
    });
    await send();
    return userMessage(this.em, user);
  }

  async resetTwoFactor(request: ResetTwoFactorRequest): Promise<UserMessage> {
    return userMessage(this.em, await resetTwoFactor(this.em, request));
  }

  async acceptInvitation({ acceptance }: AcceptInvitationRequest): Promise<UserMessage> {
    if (!acceptance) throw invalidArgument([{ field: 'acceptance', reason: 'REQUIRED', description: 'is required' }]);
    const { em, user } = await acceptInvitation(this.em, this.passwordHasher, acceptance);
    return userMessage(em, user);
  }

  claimUserStates(): Promise<ClaimUserStatesResponse> {
    return claimUserStates(this.em);
  }

  async confirmUserStates(request: ConfirmUserStatesRequest): Promise<Empty> {
    await confirmUserStates(this.em, request);
    return {};
  }

  findOwners(request: FindOwnersRequest): Promise<FindOwnersResponse> {
    return findOwners(this.em, request);
  }

  async getPrincipalRights({ tenantId, principalId }: GetPrincipalRightsRequest): Promise<PrincipalRights> {
    requireService('customers');
    const { permissions, hidesPii = false } = await findPrincipal(this.em, tenantId, principalId);
    return { permissions: [...permissions], hidesPii };
  }

  findUsers(request: FindUsersRequest): Promise<FindUsersResponse> {
    return findUsers(this.em, request);
  }
}

async function flushUnlessTaken(em: EntityManager): Promise<void> {
  await em.flush().catch((error: unknown) => {
    if (!isUniqueViolation(error)) throw error;
    throw new AppError('ALREADY_EXISTS', 'EMAIL_TAKEN', 'Another user has this e-mail address.', {
      violations: [{ field: 'user.email', reason: 'TAKEN', description: 'is the address of another user' }],
    });
  });
}
