import { CreateAuditChain, CreateAuditRemoval } from '@rapport/persistence';
import { ApiKey } from './api-key.entity.js';
import { AddAllowedOrigins } from './migrations/add-allowed-origins.migration.js';
import { AddTenantPlan } from './migrations/add-tenant-plan.migration.js';
import { AddUserLocale } from './migrations/add-user-locale.migration.js';
import { CreateAccountSecurity } from './migrations/create-account-security.migration.js';
import { CreateClosedTenant } from './migrations/create-closed-tenant.migration.js';
import { CreateOAuth } from './migrations/create-oauth.migration.js';
import { CreateOneTimeToken } from './migrations/create-one-time-token.migration.js';
import { CreateRoleAndTeam } from './migrations/create-role-and-team.migration.js';
import { CreateTenantAndApiKey } from './migrations/create-tenant-and-api-key.migration.js';
import { CreateUserAccount } from './migrations/create-user-account.migration.js';
import { CreateUserStateChange } from './migrations/create-user-state-change.migration.js';
import { IndexGrants } from './migrations/index-grants.migration.js';
import { RecordHashKeys } from './migrations/record-hash-keys.migration.js';
import { WidenApiKey } from './migrations/widen-api-key.migration.js';
import { OAuthClient } from './oauth-client.entity.js';
import { OneTimeToken } from './one-time-token.entity.js';
import { Role } from './role.entity.js';
import { UserSession } from './user-session.entity.js';
import { Team } from './team.entity.js';
import { Tenant } from './tenant.entity.js';
import { AttemptWindow } from './attempt-window.entity.js';
import { RecoveryCode, UserTotp } from './user-totp.entity.js';
import { UserAccount } from './user-account.entity.js';
import { Workspace } from './workspace.entity.js';

/** The entities of auth's database. */
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

/** Its migrations, oldest first. */
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
  RecordHashKeys,
  CreateUserStateChange,
];
