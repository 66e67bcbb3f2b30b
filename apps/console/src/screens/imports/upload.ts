import { call, textAt, uploadParts } from '../../contract/api.ts';

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
  await uploadParts('uploadImportFile', id, file, async () => {
    const operation = await call('getOperation', { id });
    // It began: the answer of the last part was lost.
    return operation.state === 'WAITING' ? Number(operation.receivedBytes ?? 0) : undefined;
  });
  return id;
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
