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
