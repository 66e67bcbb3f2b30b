import type { ServiceDefinition } from '@grpc/grpc-js';
import { AccountServiceService } from '@rapport/contracts/rapport/auth/v1/account_service';
import { AuthServiceService } from '@rapport/contracts/rapport/auth/v1/auth_service';
import { ConnectedAppsServiceService } from '@rapport/contracts/rapport/auth/v1/connected_apps_service';
import { OAuthClientsServiceService } from '@rapport/contracts/rapport/auth/v1/oauth_clients_service';
import { PermissionsServiceService } from '@rapport/contracts/rapport/auth/v1/permissions_service';
import { RolesServiceService } from '@rapport/contracts/rapport/auth/v1/roles_service';
import { SecurityEventsServiceService } from '@rapport/contracts/rapport/auth/v1/security_events_service';
import { SessionsServiceService } from '@rapport/contracts/rapport/auth/v1/sessions_service';
import { TeamsServiceService } from '@rapport/contracts/rapport/auth/v1/teams_service';
import { UsersServiceService } from '@rapport/contracts/rapport/auth/v1/users_service';
import { WorkspaceClosingsServiceService } from '@rapport/contracts/rapport/auth/v1/workspace_closings_service';
import { AccountController } from './account/account.controller.js';
import { AuthController } from './auth.controller.js';
import { WorkspaceClosingsController } from './closings/workspace-closings.controller.js';
import { ConnectedAppsController } from './oidc/clients/connected-apps.controller.js';
import { OAuthClientsController } from './oidc/clients/oauth-clients.controller.js';
import { PermissionsController } from './permissions/permissions.controller.js';
import { RolesController } from './roles/roles.controller.js';
import { SecurityEventsController } from './security/security-events.controller.js';
import { SessionsController } from './sessions/sessions.controller.js';
import { TeamsController } from './teams/teams.controller.js';
import { UsersController } from './users/users.controller.js';

/** The services that this process answers, and the controllers that do. */
export const services: readonly ServiceDefinition[] = [
  AuthServiceService,
  AccountServiceService,
  SessionsServiceService,
  OAuthClientsServiceService,
  ConnectedAppsServiceService,
  PermissionsServiceService,
  RolesServiceService,
  TeamsServiceService,
  UsersServiceService,
  SecurityEventsServiceService,
  WorkspaceClosingsServiceService,
];
export const controllers = [
  AuthController,
  AccountController,
  SessionsController,
  OAuthClientsController,
  ConnectedAppsController,
  PermissionsController,
  RolesController,
  TeamsController,
  UsersController,
  SecurityEventsController,
  WorkspaceClosingsController,
];
