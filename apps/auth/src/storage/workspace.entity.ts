import { createHash } from 'node:crypto';
import { defineEntity, p, type EntityManager } from '@mikro-orm/postgresql';

/** A workspace name is a DNS label, so that it can become a host name. */
export const workspaceName = /^[a-z][a-z0-9-]{0,61}[a-z0-9]$/;

const WorkspaceSchema = defineEntity({
  name: 'Workspace',
  tableName: 'workspace',
  uniques: [{ name: 'workspace_tenant', properties: ['tenantId'] }],
  properties: {
    name: p.text().primary(),
    tenantId: p.uuid(),
  },
});

/** The name that users enter to sign in to a tenant. The only table that is read before the tenant is known. */
export class Workspace extends WorkspaceSchema.class {}
WorkspaceSchema.setClass(Workspace);

/** UUID of the tenant that a workspace belongs to. */
export async function tenantOfWorkspace(em: EntityManager, name: string): Promise<string | undefined> {
  const workspace = await em.findOne(Workspace, { name: name.trim().toLowerCase() });
  return workspace?.tenantId;
}

/**
 * A tenant id that no tenant has, always the same for a name. Attempts to sign in to a workspace that does not exist are counted and
 * answered by it like others. A UUID of version 8, while tenants have version 7.
 */
export function standInTenant(name: string): string {
  const digits = createHash('sha256').update(`no workspace ${name.trim().toLowerCase()}`).digest('hex');
  return digits.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-8$3-8$4-$5');
}

export function isStandIn(tenantId: string): boolean {
  return tenantId[14] === '8';
}
