import type { EntityManager } from '@mikro-orm/postgresql';
import { User_State, type User as UserMessage } from '@rapport/contracts/rapport/auth/v1/users_service';
import { formatEtag } from '@rapport/persistence';
import { usersWithSecondFactor } from '../sign-in/second-factor.js';
import type { UserAccount } from '../storage/user-account.entity.js';

export async function userMessages(em: EntityManager, users: readonly UserAccount[]): Promise<UserMessage[]> {
  const ids = users.map(({ id }) => id);
  const withSecondFactor = await usersWithSecondFactor(em, ids);
  return users.map((user) => ({
    id: user.id,
    email: user.email,
    displayName: user.displayName,
    state: User_State[user.state],
    roleIds: user.roleIds,
    teamId: user.teamId ?? undefined,
    timeZone: user.timeZone ?? undefined,
    locale: user.locale ?? undefined,
    twoFactor: withSecondFactor.has(user.id),
    etag: formatEtag(user.version),
    createTime: user.createTime.toISOString(),
    updateTime: user.updateTime.toISOString(),
  }));
}

export async function userMessage(em: EntityManager, user: UserAccount): Promise<UserMessage> {
  const [message] = await userMessages(em, [user]);
  return message!;
}
