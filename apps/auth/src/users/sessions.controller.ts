import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import type { Empty } from '@rapport/contracts/google/protobuf/empty';
import {
  SessionsServiceService,
  type EndSessionRequest,
  type ListSessionsRequest,
  type ListSessionsResponse,
  type Session as SessionMessage,
  type SessionsServiceServer,
} from '@rapport/contracts/rapport/auth/v1/sessions_service';
import { AppError, currentCaller, permissionMissing } from '@rapport/platform';
import { recordSecurityEvent } from '../security-events/security-event.js';
import { endSession } from '../sign-in/sessions.js';
import { UserSession } from '../storage/user-session.entity.js';
import { findUser, findUserForChange } from './check-user.js';
import { currentUserId, findCurrentUser } from './current-user.js';

const maxSessions = 100;

@Controller()
@ImplementsService(SessionsServiceService)
export class SessionsController implements ServiceHandlers<SessionsServiceServer> {
  constructor(private readonly em: EntityManager) {}

  async listSessions({ userId }: ListSessionsRequest): Promise<ListSessionsResponse> {
    const isOwn = userId === undefined || userId === currentUserId();
    if (!isOwn && !currentCaller().permissions.includes('users.read')) throw permissionMissing('users.read');
    const user = isOwn ? await findCurrentUser(this.em) : await findUser(this.em, userId);
    const sessions = await this.em.find(
      UserSession,
      { tenantId: user.tenantId, userId: user.id, expireTime: { $gt: new Date() } },
      { orderBy: { id: 'desc' }, limit: maxSessions },
    );
    return { sessions: sessions.map(sessionMessage) };
  }

  async endSession({ id }: EndSessionRequest): Promise<Empty> {
    const { tenantId, permissions } = currentCaller();
    const session = await this.em.findOne(UserSession, { tenantId, id });
    const isOwn = session?.userId === currentUserId();
    if (!session || (!isOwn && !permissions.includes('users.write'))) {
      throw new AppError('NOT_FOUND', 'SESSION_NOT_FOUND', 'The session does not exist.');
    }
    if (!isOwn) await findUserForChange(this.em, session.userId);
    const records = [`session/${id}`, `user/${session.userId}`];
    await this.em.transactional(async (em) => {
      if (!(await endSession(em, tenantId, id))) return;
      await recordSecurityEvent(em, { kind: 'SESSION_ENDED', outcome: 'SUCCESS', records });
    });
    return {};
  }
}

function sessionMessage({ id, userId, address, userAgent, createTime, expireTime }: UserSession): SessionMessage {
  return {
    id,
    userId,
    address: address ?? undefined,
    userAgent: userAgent ?? undefined,
    createTime: createTime.toISOString(),
    expireTime: expireTime.toISOString(),
  };
}
