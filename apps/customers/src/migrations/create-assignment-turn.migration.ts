import { Migration } from '@mikro-orm/migrations';

/** The turns of assignment rules. A table of its own, since a turn is no change of the rule. */
export class CreateAssignmentTurn extends Migration {
  override name = 'create-assignment-turn';

  override up(): void {
    this.addSql(table);
  }
}

const table = `
  create table assignment_turn (
    tenant_id uuid not null,
    rule_id uuid not null,
    turn bigint not null,
    time bigint not null,
    members jsonb not null,
    primary key (tenant_id, rule_id)
  );

  alter table assignment_turn enable row level security;
  alter table assignment_turn force row level security;
  create policy tenant_isolation on assignment_turn
    using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
`;
