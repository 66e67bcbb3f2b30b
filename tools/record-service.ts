import { execFileSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Contract, recordContracts, type RecordContract } from '@rapport/contracts';
import { bulkVerbs } from './record-service/bulk-verbs.ts';
import { uniqueNames, type Declared } from './record-service/declared.ts';
import { namesOf } from './record-service/names.ts';
import { printComment, printMessage, printMethod } from './record-service/print.ts';
import { readVerbs } from './record-service/read-verbs.ts';
import type { StandardMethod } from './record-service/standard-method.ts';
import { writeVerbs } from './record-service/write-verbs.ts';

/** The verbs of standard services, in the order of their methods. */
export const standardVerbs = [
  'get',
  'list',
  'batchGet',
  'create',
  'update',
  'delete',
  'undelete',
  'batchCreate',
  'batchUpdate',
  'batchDelete',
  'upsert',
  'aggregate',
  'export',
  'import',
  'listHistory',
] as const;

/** The program that reads proto files. */
export const buf = join(import.meta.dirname, '../node_modules/.bin/buf');

const verbs = { ...readVerbs, ...writeVerbs, ...bulkVerbs };
const readOnlyVerbs: readonly string[] = ['get', 'list', 'batchGet', 'aggregate', 'export'];

/** Packages whose services are written by hand, since they were released before services were generated. */
const writtenPackages = ['rapport.customers.v1'];

/** The methods of the standard service of a type. Records without unique values have no upsert. */
export function standardMethods(contract: Contract, record: RecordContract): StandardMethod[] {
  const declared: Declared = { contract, record, records: recordContracts(contract), names: namesOf(record) };
  const isUnique = uniqueNames(declared).length > 0;
  return standardVerbs
    .filter((verb) => !record.options.readOnly || readOnlyVerbs.includes(verb))
    .filter((verb) => verb !== 'upsert' || isUnique)
    .map((verb) => verbs[verb](declared));
}

/** The text of a proto file with the standard service of a type. */
export function recordService(contract: Contract, record: RecordContract): string {
  const methods = standardMethods(contract, record);
  const messages = methods.flatMap((method) => method.messages);
  const distinct = messages.filter(({ name }, place) => messages.findIndex((other) => other.name === name) === place);
  const names = namesOf(record);
  const [meaning = ''] = contract.comment(record.message).split('\n\n');
  const subject = meaning === '' ? `The ${names.nouns} of a workspace.` : meaning;
  const introduction =
    record.parent === undefined
      ? subject
      : `${subject}\n\nAll operations fail with \`404 ${record.parent.toUpperCase()}_NOT_FOUND\` if the ${record.parent} in the path does not exist.`;
  const body = [
    `${printComment(introduction)}\nservice ${names.types}Service {\n${methods.map(printMethod).join('\n\n')}\n}`,
    ...distinct.map(printMessage),
  ].join('\n\n');
  const file = `${record.message.file.name}.proto`;
  return `// Printed by \`nx run proto:records\` from ${file}. Do not edit.
syntax = "proto3";

package ${record.message.file.proto.package};

${importsOf(body, file)}

${body}
`;
}

function importsOf(body: string, recordFile: string): string {
  const imports: [file: string, use: string][] = [
    ['google/api/annotations.proto', 'google.api.http'],
    ['google/api/field_behavior.proto', 'google.api.field_behavior'],
    ['google/api/httpbody.proto', 'google.api.HttpBody'],
    ['google/protobuf/field_mask.proto', 'google.protobuf.FieldMask'],
    ['rapport/api/v1/options.proto', 'rapport.api.v1.policy'],
    ['rapport/api/v1/records.proto', 'rapport.api.v1.ListRecordsRequest'],
  ];
  const files = [...imports.filter(([, use]) => body.includes(use)).map(([file]) => file), recordFile];
  return files
    .sort()
    .map((file) => `import "${file}";`)
    .join('\n');
}

/**
 * Generates the services of a workspace: texts by path. Reads only the files with resources, so that a generated service that no longer
 * fits its record does not prevent generating it again.
 *
 * @param root with `buf.yaml` and `proto`
 */
export function recordServices(root: string): Map<string, string> {
  const files = globSync('proto/rapport/**/*.proto', { cwd: root }).filter((file) =>
    readFileSync(join(root, file), 'utf8').includes('option (google.api.resource)'),
  );
  const paths = [...files, 'proto/google/api/annotations.proto'];
  const contract = new Contract(
    execFileSync(buf, ['build', '-o', '-#format=binpb', ...paths.flatMap((path) => ['--path', path])], {
      cwd: root,
      maxBuffer: 64 * 1024 * 1024,
    }),
  );
  const printed = recordContracts(contract).filter(
    ({ message }) => !writtenPackages.includes(message.file.proto.package),
  );
  return new Map(
    printed.map((record) => {
      const folder = join('proto', dirname(record.message.file.name));
      return [join(folder, `${namesOf(record).fields}_service.proto`), recordService(contract, record)];
    }),
  );
}
