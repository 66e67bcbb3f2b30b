import { Migration } from '@mikro-orm/migrations';

/** Archives of whole workspaces, and what hashes of suppressed addresses are made with in a workspace that was imported. */
export class CreateWorkspaceArchive extends Migration {
  override name = 'create-workspace-archive';

  override up(): void {
    this.addSql(tables);
    for (const table of ['workspace_piece', 'suppression_space']) {
      this.addSql(`
        alter table ${table} enable row level security;
        alter table ${table} force row level security;
        create policy tenant_isolation on ${table}
          using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
          with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
      `);
    }
    this.addSql(`
      create policy record_scope on workspace_piece as restrictive
        using ((select true where nullif(current_setting('app.owner_ids', true), '') is null) is not null or false)
        with check ((select true where nullif(current_setting('app.owner_ids', true), '') is null) is not null or false);
      create policy sealed_only on workspace_piece as restrictive using (true)
        with check ((false) or not exists (select from tenant_encryption));
    `);
    this.addSql(kinds);
  }
}

const tables = `
  -- The bytes of an archive, which is a result of its operation, or its input.
  create table workspace_piece (
    tenant_id uuid not null,
    operation_id uuid not null,
    start bigint not null,
    data bytea not null,
    primary key (tenant_id, operation_id, start)
  );
  -- Archives are large, and do not get smaller.
  alter table workspace_piece alter column data set storage external;

  create table suppression_space (
    tenant_id uuid not null primary key,
    space uuid not null
  );
`;

/** Not validated, since a check of the whole table would lock it: each row has one of the kinds of before. */
const kinds = `
  alter table operation drop constraint operation_kind_check;
  alter table operation add constraint operation_kind_check
    check (kind in ('IMPORT', 'ENCRYPTION', 'WORKSPACE_EXPORT', 'WORKSPACE_IMPORT')) not valid;
`;
