import { theContract } from '../../../contract/contract.ts';
import { itemsAt, textAt, type Json } from '../../../contract/json.ts';
import { kindOf, triggerOf, type Line } from '../steps.ts';
import type { Names } from './completion.ts';

/** Levels of messages below a record, such as `record.amount.amount`. */
const levels = 2;

/**
 * What expressions at a line of a definition can read.
 *
 * @param line undefined for conditions of the definition itself
 * @param lines all of them
 * @param type of the records that the flow is about; empty for none
 */
export function knownNames(definition: Json, line: Line | undefined, lines: readonly Line[], type: string): Names {
  const resource = theContract().recordType(type);
  const record = resource && namesOf(resource.message, levels);
  const trigger = triggerOf(definition);
  const before = line
    ? lines
        .slice(
          0,
          lines.findIndex(({ id }) => id === line.id),
        )
        .flatMap(({ step }) => (step ? [step] : []))
    : [];
  const variables = before.flatMap((step) => itemsAt(step, 'set.variables').map((each) => textAt(each, 'name')));
  const place: readonly unknown[] = line?.place ?? [];
  return {
    ...(record && { record }),
    ...(record &&
      trigger === 'record' && { before: record, change: leaves(['operation', 'changedFields', 'time', 'actor']) }),
    input:
      trigger === 'webhook' ? leaves(['body']) : leaves(itemsAt(definition, `trigger.${trigger}.inputs`).map(keyOf)),
    ...(line && { vars: leaves(variables), steps: leaves(before.filter((step) => kindOf(step) !== '').map(keyOf)) }),
    ...(place.includes('for') && leaves(['item', 'index'])),
    ...(place.includes('catch') && { error: leaves(['code', 'message', 'step']) }),
    now: {},
  };
}

function namesOf(message: string, depth: number): Names {
  return Object.fromEntries(
    theContract()
      .fields(message)
      .map(({ name, type, of, list }) => [
        name,
        type === 'message' && list !== true && depth > 0 ? namesOf(of ?? '', depth - 1) : {},
      ]),
  );
}

function leaves(names: readonly string[]): Names {
  return Object.fromEntries(names.filter((name) => name !== '').map((name) => [name, {}]));
}

function keyOf(value: Json): string {
  return textAt(value, 'key');
}
