// Prints the migration of a new type of records into src/migrations: `nx run customers:make-migration deal`; or that of a field that a
// type has got since: `nx run customers:make-migration deal next_step`.
// The file is text from then on: read it, add it to migrations.ts, and never print it again once it is released.
import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { platformContract, recordContracts, type RecordContract } from '@rapport/contracts';
import { addedFieldMigration } from './migration-text/added-field.ts';
import { recordMigration, type RecordMigration } from './migration-text/record-migration.ts';
import { tableOf } from './migration-text/record-tables.ts';

const [type, field] = process.argv.slice(2);
const contract = platformContract();
const records = recordContracts(contract);
const record = records.find((each) => tableOf(each) === type || each.singular === type);
if (!record) refuse(`Give the record type: one of ${records.map(tableOf).join(', ')}.`);
const { name, text } = printed(record);
const file = join(import.meta.dirname, 'src/migrations', `${name}.migration.ts`);
if (existsSync(file))
  refuse(`${relative(process.cwd(), file)} exists. Remove it to print it again, unless it is released.`);
writeFileSync(file, text);
execFileSync(join(import.meta.dirname, '../../node_modules/.bin/oxfmt'), [file]);
process.stdout.write(
  `${relative(process.cwd(), file)}\nRead it, import it in src/migrations.ts, and add it at the end of \`migrations\` there.\n`,
);

function printed(of: RecordContract): RecordMigration {
  if (field === undefined) return recordMigration(contract, of);
  try {
    return addedFieldMigration(contract, of, field);
  } catch (error) {
    return refuse((error as Error).message);
  }
}

function refuse(reason: string): never {
  process.stderr.write(`${reason}\n`);
  process.exit(1);
}
