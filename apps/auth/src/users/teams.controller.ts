import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, readMask, type ServiceHandlers, type Updatable } from '@rapport/contracts';
import type { Empty } from '@rapport/contracts/google/protobuf/empty';
import {
  TeamsServiceService,
  type CreateTeamRequest,
  type DeleteTeamRequest,
  type GetTeamRequest,
  type ListTeamsResponse,
  type Team as TeamMessage,
  type TeamsServiceServer,
  type UpdateTeamRequest,
} from '@rapport/contracts/rapport/auth/v1/teams_service';
import { checkEtag, formatEtag, isUniqueViolation } from '@rapport/persistence';
import { AppError, currentCaller, invalidArgument } from '@rapport/platform';
import { v7 } from 'uuid';
import { ApiKey } from '../storage/api-key.entity.js';
import { recordSecurityEvent } from '../security-events/security-event.js';
import { lockTenant } from '../tenants/tenant-lock.js';
import { UserAccount } from '../storage/user-account.entity.js';
import { Team } from '../storage/team.entity.js';

/** Maximum number of teams of a tenant. */
const maxTeams = 500;

const updatable: Updatable<'displayName'> = {
  name: 'team',
  noun: 'a team',
  fields: ['displayName'],
  fixed: Object.fromEntries(['id', 'etag', 'createTime', 'updateTime'].map((name) => [name, 'OUTPUT_ONLY'])),
};

@Controller()
@ImplementsService(TeamsServiceService)
export class TeamsController implements ServiceHandlers<TeamsServiceServer> {
  constructor(private readonly em: EntityManager) {}

  async listTeams(): Promise<ListTeamsResponse> {
    const { tenantId } = currentCaller();
    const teams = await this.em.find(Team, { tenantId }, { orderBy: { id: 'asc' }, limit: maxTeams });
    return { teams: teams.map(teamMessage) };
  }

  async getTeam({ id }: GetTeamRequest): Promise<TeamMessage> {
    return teamMessage(await findTeam(this.em, id));
  }

  async createTeam({ team: wanted }: CreateTeamRequest): Promise<TeamMessage> {
    const displayName = nameOf(wanted);
    return this.em.transactional(async (em) => {
      const { id: tenantId } = await lockTenant(em);
      if ((await em.count(Team, { tenantId })) >= maxTeams) {
        throw new AppError('RESOURCE_EXHAUSTED', 'TOO_MANY_TEAMS', `A tenant has at most ${maxTeams} teams.`);
      }
      const now = new Date();
      const team = em.create(Team, { tenantId, id: v7(), displayName, createTime: now, updateTime: now });
      await flushUnlessTaken(em);
      await recordSecurityEvent(em, { kind: 'TEAM_CREATED', outcome: 'SUCCESS', records: [`team/${team.id}`] });
      return teamMessage(team);
    });
  }

  async updateTeam({ id, team: changes, updateMask, etag }: UpdateTeamRequest): Promise<TeamMessage> {
    readMask(updateMask, updatable);
    const displayName = nameOf(changes);
    return this.em.transactional(async (em) => {
      await lockTenant(em);
      const team = await findTeam(em, id);
      checkEtag(etag, team.version);
      em.assign(team, { displayName, updateTime: new Date(), version: team.version + 1 });
      await flushUnlessTaken(em);
      await recordSecurityEvent(em, { kind: 'TEAM_CHANGED', outcome: 'SUCCESS', records: [`team/${id}`] });
      return teamMessage(team);
    });
  }

  async deleteTeam({ id, etag }: DeleteTeamRequest): Promise<Empty> {
    return this.em.transactional(async (em) => {
      const { id: tenantId } = await lockTenant(em);
      const team = await findTeam(em, id);
      checkEtag(etag, team.version);
      const user = await em.findOne(UserAccount, { tenantId, teamId: id });
      if (user ?? (await em.findOne(ApiKey, { tenantId, teamId: id, revokeTime: null }))) {
        throw new AppError('FAILED_PRECONDITION', 'TEAM_IN_USE', 'The team has users or API keys. Move them first.');
      }
      em.remove(team);
      await recordSecurityEvent(em, { kind: 'TEAM_DELETED', outcome: 'SUCCESS', records: [`team/${id}`] });
      return {};
    });
  }
}

function teamMessage({ id, displayName, version, createTime, updateTime }: Team): TeamMessage {
  return {
    id,
    displayName,
    etag: formatEtag(version),
    createTime: createTime.toISOString(),
    updateTime: updateTime.toISOString(),
  };
}

function nameOf(team: TeamMessage | undefined): string {
  if (team?.displayName) return team.displayName;
  throw invalidArgument([{ field: 'team.displayName', reason: 'REQUIRED', description: 'is required' }]);
}

async function findTeam(em: EntityManager, id: string): Promise<Team> {
  const team = await em.findOne(Team, { tenantId: currentCaller().tenantId, id });
  if (!team) throw new AppError('NOT_FOUND', 'TEAM_NOT_FOUND', 'The team does not exist.');
  return team;
}

async function flushUnlessTaken(em: EntityManager): Promise<void> {
  await em.flush().catch((error: unknown) => {
    if (!isUniqueViolation(error)) throw error;
    throw new AppError('ALREADY_EXISTS', 'TEAM_NAME_TAKEN', 'Another team has this name.', {
      violations: [{ field: 'team.displayName', reason: 'TAKEN', description: 'is the name of another team' }],
    });
  });
}
