import { Migration } from '@mikro-orm/migrations';
import { defineEntity, p } from '@mikro-orm/postgresql';
import { tenantIsolation } from '../src/index.js';

const NoteSchema = defineEntity({
  name: 'Note',
  tableName: 'note',
  ...tenantIsolation,
  properties: { tenantId: p.uuid().primary(), id: p.uuid().primary(), text: p.text() },
});

/** The smallest record of a tenant. */
export class Note extends NoteSchema.class {}
NoteSchema.setClass(Note);

export class CreateNote extends Migration {
  override name = 'create-note';

  override up(): void {
    this.addSql(`
      create table note (tenant_id uuid not null, id uuid not null, text text not null, primary key (tenant_id, id));
      alter table note enable row level security;
      alter table note force row level security;
      create policy tenant_isolation on note
        using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
        with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
    `);
  }
}
