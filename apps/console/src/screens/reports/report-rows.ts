import { itemsAt, textAt, valueAt, type Json } from '../../contract/json.ts';
import { units } from '../ticket/clock/sla-clock.ts';

/** A stage of a pipeline, with its figures of the report. */
export interface StageRow {
  key: string;
  name: string;
  kind: string;
  /** Deals that entered it: those that went on, that are in it still or went back, and that were lost. */
  entered: number;
  converted: number;
  open: number;
  lost: number;
  /** Of those that entered, from 0 to 1. */
  rate: number | undefined;
  /** Completed stays, and their times in seconds. */
  stays: number;
  median: number | undefined;
  p90: number | undefined;
  limitDays: number | undefined;
  /** Whether one in ten stays, or more, are longer than the limit. */
  isLate: boolean;
}

export function rowsOf(pipeline: Json, report: Json | undefined): StageRow[] {
  const known = new Map(itemsAt(pipeline, 'stages').map((stage) => [textAt(stage, 'key'), stage]));
  return itemsAt(report, 'stages').map((each) => {
    const key = textAt(each, 'stage');
    const stage = known.get(key);
    const number = (name: string) => Number(valueAt(each, name) ?? 0);
    const optional = (of: Json | undefined, name: string) =>
      valueAt(of, name) === undefined ? undefined : Number(valueAt(of, name));
    const [entered, converted, lost] = [number('enteredCount'), number('convertedCount'), number('lostCount')];
    const [p90, limitDays] = [optional(each, 'p90Seconds'), optional(stage, 'limitDays')];
    const kind = textAt(each, 'kind');
    // A won deal went on from each stage. A deal can be lost after it went on.
    const gone = kind === 'WON' ? entered : converted;
    return {
      ...{
        key,
        kind,
        name: textAt(stage, 'name') || key,
        entered,
        converted: gone,
        lost: Math.min(lost, entered - gone),
      },
      open: Math.max(0, entered - gone - lost),
      rate: optional(each, 'conversionRate'),
      ...{ stays: number('stayCount'), median: optional(each, 'medianSeconds'), p90, limitDays },
      isLate: p90 !== undefined && limitDays !== undefined && p90 > limitDays * 86_400,
    };
  });
}

/** Seconds in the largest unit that they fill, such as `2.5 days`; – for none. */
export function durationText(seconds: number | undefined, language: string): string {
  if (seconds === undefined) return '–';
  const [unit, size] = units.find(([, each]) => seconds >= each) ?? units[3];
  const form = new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits: 1 });
  return form.format(seconds / size);
}
