import { call, Problem, textAt, type Json } from '../../contract/api.ts';

/** Bytes of each request: a broken connection loses no more. */
const partBytes = 8 * 2 ** 20;
const maxFailures = 8;

/** How the file is read: as `ImportInput` of the API, without what follows from the file. */
export interface ImportChoices {
  recordType: string;
  map: readonly string[];
  kind?: string;
  defaultCountry?: string;
  language?: string;
}

/**
 * Starts an import and uploads its file in parts. Each part continues after the last byte that the server has.
 *
 * @param onStart with the id of the operation, which can be watched while the file is uploaded
 * @returns the id
 * @throws Problem when the import is refused, or the server can not be reached for a minute
 */
export async function startImport(
  file: File,
  choices: ImportChoices,
  isDryRun: boolean,
  onStart: (id: string) => void,
): Promise<string> {
  const { map, ...rest } = choices;
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== ''));
  const body = { ...given, contentType: contentTypeOf(file), dryRun: isDryRun, ...(map.length > 0 && { map }) };
  const id = textAt(await call('createImport', {}, { body }), 'id');
  onStart(id);
  await upload(id, file);
  return id;
}

async function upload(id: string, file: File): Promise<void> {
  let offset = 0;
  let failures = 0;
  for (;;) {
    const end = Math.min(offset + partBytes, file.size);
    const isLast = end === file.size;
    try {
      const part = file.slice(offset, end);
      await call('uploadImportFile', { id, offset, complete: isLast }, { file: part });
      if (isLast) return;
      offset = end;
      failures = 0;
    } catch (error) {
      failures += 1;
      if (!isTransient(error) || failures > maxFailures) throw error;
      await new Promise((resolve) => setTimeout(resolve, Math.min(15_000, 500 * 2 ** failures)));
      const operation: Json = await call('getOperation', { id }).catch((reason: unknown) => {
        if (isTransient(reason)) return {};
        throw reason;
      });
      // It began: the answer of the last part was lost.
      if (operation['state'] !== undefined && operation['state'] !== 'WAITING') return;
      offset = Number(operation['receivedBytes'] ?? offset);
    }
  }
}

function isTransient(error: unknown): boolean {
  return error instanceof Problem && (error.status === 0 || error.status >= 500 || error.status === 429);
}

/** By the end of its name, since browsers do not know all of them. */
export function contentTypeOf({ name, type }: { name: string; type: string }): string {
  const known: Readonly<Record<string, string>> = {
    csv: 'text/csv',
    json: 'application/json',
    ndjson: 'application/x-ndjson',
    jsonl: 'application/x-ndjson',
    vcf: 'text/vcard',
  };
  return known[name.slice(name.lastIndexOf('.') + 1).toLowerCase()] ?? (type || 'text/csv');
}
