// Writes docs/configuration.md from the configuration schemas of all processes: `node tools/configuration-document.ts`. The test of the
// same name compares it.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { importSource } from '@rapport/testing';
import { format, type FormatConfig } from 'oxfmt';
import { z } from 'zod';

const root = join(import.meta.dirname, '..');
const document = join(root, 'docs/configuration.md');

/** The schemas of an app, by the name of their export, and the program that reads each. */
const programs: Record<string, Record<string, string>> = {
  'apps/edge/src/config.ts': { addressVariables: 'edge', ownVariables: 'edge' },
  'apps/auth/src/configuration.ts': {
    serviceVariables: 'auth',
    migrationVariables: 'auth `migrate`',
    verificationVariables: 'auth `verify-audit`',
    auditArchiveVariables: 'auth `verify-audit --file`',
    archiveVariables: 'auth `archive-audit`',
    keysInUseVariables: 'auth `keys-in-use`',
    principalKeyVariables: 'auth `print-principal-keys`',
    createTenantVariables: 'auth `create-tenant`',
  },
  'apps/customers/src/configuration.ts': {
    serviceVariables: 'customers',
    migrationVariables: 'customers `migrate`',
    verificationVariables: 'customers `verify-audit`',
    auditArchiveVariables: 'customers `verify-audit --file`',
    archiveVariables: 'customers `archive-audit`',
    keysInUseVariables: 'customers `keys-in-use`',
  },
  'apps/sync/src/serve/configuration.ts': {
    serviceVariables: 'sync',
    migrationVariables: 'sync `migrate`',
    verificationVariables: 'sync `verify-audit`',
    auditArchiveVariables: 'sync `verify-audit --file`',
    archiveVariables: 'sync `archive-audit`',
    keysInUseVariables: 'sync `keys-in-use`',
    quarantineVariables: 'sync `quarantine`',
  },
};

/** What JSON Schema says of a variable, with the `meta` of its schema. */
interface Described {
  description?: string;
  form?: string;
  secret?: boolean;
  type?: string;
  minimum?: number;
  maximum?: number;
  enum?: string[];
}

interface Row {
  variable: string;
  type: string;
  value: string;
  isSecret: boolean;
  meaning: string;
}

const intro = `# Configuration

Each process reads its environment once, at its start, and names every variable that is missing or wrong. A variable \`NAME\` can be
given as \`NAME_FILE\`, the path of a file with the value, which takes precedence. Give secrets that way, because other programs can
read the environment of a process. A variable whose own name ends in \`_FILE\` is a path.

\`npm start\` creates all keys, and reads \`EDGE_PORT\` (8080), \`RAPPORT_DIR\` (\`.rapport\`), \`LOG_LEVEL\` and
\`OTEL_EXPORTER_OTLP_ENDPOINT\` only.
\`node tools/configuration-document.ts\` writes this page from the schemas of the processes.

`;

/** The text of docs/configuration.md. @throws Error for a variable without a description, and a schema that no program reads */
export async function configurationDocument(): Promise<string> {
  const processes = new Map<string, Set<string>>();
  for (const [file, readers] of Object.entries(programs)) {
    const module = await importSource<Record<string, unknown>>(join(root, file));
    for (const [name, variables] of Object.entries(module).filter(([each]) => each.endsWith('Variables'))) {
      const program = readers[name];
      if (program === undefined) throw new Error(`Say which program reads ${name} of ${file}.`);
      for (const [variable, schema] of Object.entries(variables as Record<string, z.ZodType>)) {
        const row = JSON.stringify(rowOf(variable, schema));
        processes.set(row, (processes.get(row) ?? new Set()).add(program));
      }
    }
  }
  const rows = [...processes].map(([row, readers]) => lineOf(JSON.parse(row) as Row, [...readers])).sort();
  const table = ['| Variable | Processes | Type | Default | Secret | Meaning |', '|---|---|---|---|---|---|', ...rows];
  const style = JSON.parse(readFileSync(join(root, '.oxfmtrc.json'), 'utf8')) as FormatConfig;
  return (await format(document, intro + table.join('\n'), style)).code;
}

function rowOf(variable: string, schema: z.ZodType): Row {
  const described = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Described;
  if (described.description === undefined) throw new Error(`${variable} has no description.`);
  return {
    variable,
    type: typeOf(described),
    value: defaultOf(schema),
    isSecret: described.secret === true,
    meaning: described.description,
  };
}

function typeOf({ form, type, minimum, maximum, enum: values }: Described): string {
  if (values) return values.map((value) => `\`${value}\``).join(', ');
  if (form !== undefined) return form;
  if (minimum === undefined) return type === 'string' ? 'text' : (type ?? '');
  const isBounded = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER;
  return `${type}, ${isBounded ? `${minimum} to ${maximum}` : `at least ${minimum}`}`;
}

/** What a process uses when the variable is absent. JSON Schema leaves out defaults of transformed values. */
function defaultOf(schema: z.ZodType): string {
  const { success, data } = schema.safeParse(undefined);
  if (!success) return '**required**';
  if (data === undefined || data === '' || (Array.isArray(data) && data.length === 0)) return 'none';
  if (Array.isArray(data)) return `\`${data.join(',')}\``;
  const plain: unknown = data instanceof Map ? Object.fromEntries(data) : data;
  return `\`${typeof plain === 'string' ? plain : JSON.stringify(plain)}\``;
}

function lineOf({ variable, type, value, isSecret, meaning }: Row, readers: readonly string[]): string {
  return `| \`${variable}\` | ${readers.join(', ')} | ${type} | ${value} | ${isSecret ? 'secret' : ''} | ${meaning} |`;
}

/** The document as it is. */
export function writtenDocument(): string {
  return readFileSync(document, 'utf8');
}

if (process.argv[1] === import.meta.filename) writeFileSync(document, await configurationDocument());
