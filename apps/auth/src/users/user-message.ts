import { User_State, type User as UserMessage } from '@rapport/contracts/rapport/auth/v1/users_service';
import { formatEtag } from '@rapport/persistence';
import type { UserAccount } from './user-account.entity.js';

export function userMessage(user: UserAccount, twoFactor: boolean): UserMessage {
  return {
    id: user.id,
    email: user.email,
    displayName: user.displayName,
    state: User_State[user.state],
    roleIds: user.roleIds,
    teamId: user.teamId ?? undefined,
    twoFactor,
    etag: formatEtag(user.version),
    createTime: user.createTime.toISOString(),
    updateTime: user.updateTime.toISOString(),
  };
}
