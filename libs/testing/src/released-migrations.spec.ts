import { expect, it } from 'vitest';
import { lockingChanges } from './released-migrations.js';

/** A migration of some statements. */
function migration(name: string, ...statements: string[]) {
  return class {
    readonly name = name;
    up(): void {}
    getQueries(): string[] {
      return statements;
    }
  };
}

const released = migration('released', 'create table note (id uuid)', 'create table kind (id uuid)');

it.each([
  'create index note_by_text on note (text)',
  'create unique index note_by_text on note (text)',
  'alter table note add constraint note_check check (true)',
  'alter table note alter column text set not null',
  'alter table note alter column text type jsonb',
  'alter table note add column kind text not null',
  'alter table note rename column text to body',
])('finds a change that holds up the writes of a filled table: %s', (change) => {
  const next = migration('next', change);

  expect(lockingChanges([released, next], ['released'])).toEqual([`next: ${change}`]);
});

it.each([
  'create index concurrently note_by_text on note (text)',
  'alter table note add constraint note_check check (true) not valid',
  'alter table note validate constraint note_check',
  'alter table note add column kind text',
  `alter table note add column kind text not null default 'x'`,
  'create index kind_by_text on kind (text)',
  'create index other_by_text on other (text)',
  '-- create index note_by_text on note (text)',
])('finds nothing in: %s', (change) => {
  expect(lockingChanges([released, migration('next', change)], ['released'], ['kind'])).toEqual([]);
});

it('says nothing about released migrations, which never change', () => {
  const later = migration('later', 'create index note_by_text on note (text)');

  expect(lockingChanges([released, later], ['released', 'later'])).toEqual([]);
});
