import { CreateAuditChain, CreateAuditRemoval } from '@rapport/persistence';
import { ApiKey } from './api-key.entity.js';
import { AddAllowedOrigins } from './migrations/add-allowed-origins.js';
import { AddTenantPlan } from './migrations/add-tenant-plan.js';
import { AddUserLocale } from './migrations/add-user-locale.js';
import { CreateAccountSecurity } from './migrations/create-account-security.js';
import { CreateClosedTenant } from './migrations/create-closed-tenant.js';
import { CreateOAuth } from './migrations/create-oauth.js';
import { CreateOneTimeToken } from './migrations/create-one-time-token.js';
import { CreateRoleAndTeam } from './migrations/create-role-and-team.js';
import { CreateTenantAndApiKey } from './migrations/create-tenant-and-api-key.js';
import { CreateUserAccount } from './migrations/create-user-account.js';
import { IndexGrants } from './migrations/index-grants.js';
import { WidenApiKey } from './migrations/widen-api-key.js';
import { OAuthClient } from './oidc/clients/oauth-client.entity.js';
import { OneTimeToken } from './one-time-tokens/one-time-token.entity.js';
import { Role } from './roles/role.entity.js';
import { UserSession } from './sessions/user-session.entity.js';
import { Team } from './teams/team.entity.js';
import { Tenant } from './tenant.entity.js';
import { AttemptWindow } from './throttle/attempt-window.entity.js';
import { RecoveryCode, UserTotp } from './totp/user-totp.entity.js';
import { UserAccount } from './users/user-account.entity.js';
import { Workspace } from './workspaces/workspace.entity.js';

/** Everything in auth's database. */
export const entities = [
  Tenant,
  ApiKey,
  UserAccount,
  Workspace,
  Role,
  Team,
  OneTimeToken,
  UserSession,
  UserTotp,
  RecoveryCode,
  AttemptWindow,
  OAuthClient,
];

/** How it came to be, oldest first. */
export const migrations = [
  CreateTenantAndApiKey,
  AddTenantPlan,
  CreateUserAccount,
  CreateRoleAndTeam,
  CreateOneTimeToken,
  WidenApiKey,
  CreateAccountSecurity,
  CreateAuditChain,
  CreateOAuth,
  IndexGrants,
  AddAllowedOrigins,
  AddUserLocale,
  CreateAuditRemoval,
  CreateClosedTenant,
];
