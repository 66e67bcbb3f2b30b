import type { ServiceDefinition } from '@grpc/grpc-js';
import { AuthServiceService } from '@rapport/contracts/rapport/auth/v1/auth_service';
import { RolesServiceService } from '@rapport/contracts/rapport/auth/v1/roles_service';
import { TeamsServiceService } from '@rapport/contracts/rapport/auth/v1/teams_service';
import { UsersServiceService } from '@rapport/contracts/rapport/auth/v1/users_service';
import { AuthController } from './auth.controller.js';
import { RolesController } from './roles/roles.controller.js';
import { TeamsController } from './teams/teams.controller.js';
import { UsersController } from './users/users.controller.js';

/** The services that this process answers, and the controllers that do. */
export const services: readonly ServiceDefinition[] = [
  AuthServiceService,
  RolesServiceService,
  TeamsServiceService,
  UsersServiceService,
];
export const controllers = [AuthController, RolesController, TeamsController, UsersController];
