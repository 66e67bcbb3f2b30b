import { currentCaller } from '@rapport/platform';
import { recordTypes } from '../../engine/fields/record-type.js';
import type { CheckedTemplate, Fault, FoundValue, TemplateSource } from './liquid-worker.js';
import { runLiquid } from './render-liquid.js';

/** Values of records in mails that are no fields of theirs. */
const besideFields: Readonly<Record<string, readonly string[]>> = { survey: ['url'] };

/** Checks how a template is written, and that the records whose values it shows have such fields. */
export async function checkTemplate(source: TemplateSource): Promise<CheckedTemplate | { faults: Fault[] }> {
  const done = await runLiquid(currentCaller().tenantId, { source });
  if (!('variables' in done)) return { faults: 'faults' in done ? done.faults : [] };
  const fields = fieldsByRecord();
  const faults = done.found.flatMap((each) => faultsOf(each, fields));
  return faults.length > 0 ? { faults } : done;
}

/** JSON names of the fields of each type, by its singular. */
function fieldsByRecord(): ReadonlyMap<string, readonly string[]> {
  const types = [...recordTypes()].filter(({ contract }) => contract.parent === undefined);
  return new Map(
    types.map(({ singular, contract }) => [singular, contract.message.fields.map(({ jsonName }) => jsonName)]),
  );
}

/** A wrong name would show nothing, in each mail. Names that stand for no record are given by who renders the template. */
function faultsOf(
  { segments: [record = '', name = ''], field, line, column }: FoundValue,
  fields: ReturnType<typeof fieldsByRecord>,
): Fault[] {
  const known = [...(fields.get(record) ?? []), ...(besideFields[record] ?? [])];
  if (known.length === 0 || name === '' || known.includes(name)) return [];
  const plain = (text: string) => text.toLowerCase().replaceAll('_', '');
  const meant = known.find((each) => plain(each) === plain(name));
  const hint = meant === undefined ? '' : `: write ${record}.${meant}`;
  return [{ field, line, column, message: `${record}.${name} is no field of a ${record}${hint}.` }];
}
