import type { BoardHint } from '../../hints/hints.ts';
import { theContract, type Resource } from '../../contract/contract.ts';
import { itemsAt, textAt, valueAt, type Json } from '../../contract/api.ts';

/** A column of a board. */
export interface Column {
  /** Value of the column's field. */
  key: string;
  /** As written in the pipeline; for an enum it comes from the catalog. */
  name: string | undefined;
  /** In percent. */
  probability?: number;
  /** After so many days a card is late. */
  limitDays?: number;
  /** Whether cards can still move on from here. */
  isOpen: boolean;
  stage: Json | undefined;
}

/** Why a column would not take a card: fields that the card lacks, or a move that the pipeline has not. */
export interface Refusal {
  missing: readonly string[];
  /** Words of the workspace's own. */
  message?: string;
}

export function columnsOf(resource: Resource, hint: BoardHint, pipeline: Json | undefined): Column[] {
  if (hint.pipeline === undefined) {
    const type = theContract().field(resource.message, hint.column)?.of;
    return theContract()
      .enumValues(type)
      .map(({ name }) => ({ key: name, name: undefined, isOpen: true, stage: undefined }));
  }
  return itemsAt(pipeline, 'stages').map((stage) => {
    const [probability, limitDays] = [valueAt(stage, 'probability'), valueAt(stage, 'limitDays')];
    return {
      key: textAt(stage, 'key'),
      name: textAt(stage, 'name'),
      ...(typeof probability === 'number' && { probability }),
      ...(typeof limitDays === 'number' && { limitDays }),
      isOpen: textAt(stage, 'kind') === 'OPEN',
      stage,
    };
  });
}

/** What the server would refuse, as far as the pipeline says it; the server decides. */
export function refusalOf(pipeline: Json | undefined, from: Column, to: Column, card: Json): Refusal | undefined {
  if (!pipeline || from.key === to.key) return undefined;
  if (!hasTransition(pipeline, from, to)) return { missing: [] };
  const guards = itemsAt(to.stage, 'guards').map((guard) => ({
    missing: fieldsOf(guard).filter((field) => isEmpty(valueAt(card, field))),
    message: textAt(guard, 'message'),
  }));
  const unmet = guards.filter(({ missing }) => missing.length > 0);
  const [first] = unmet;
  if (!first) return undefined;
  return { missing: unmet.flatMap(({ missing }) => missing), ...(first.message !== '' && { message: first.message }) };
}

function hasTransition(pipeline: Json, from: Column, to: Column): boolean {
  switch (textAt(pipeline, 'transitions')) {
    case 'NEXT_ONLY': {
      const keys = itemsAt(pipeline, 'stages').map((stage) => textAt(stage, 'key'));
      const isNext = keys.indexOf(to.key) === keys.indexOf(from.key) + 1;
      return from.isOpen && (isNext || textAt(to.stage, 'kind') === 'LOST');
    }
    case 'LISTED':
      return itemsAt(pipeline, 'transitionPairs').some(
        (pair) => textAt(pair, 'from') === from.key && textAt(pair, 'to') === to.key,
      );
    default:
      return true;
  }
}

function fieldsOf(guard: Json): string[] {
  const fields = valueAt(guard, 'fields');
  return Array.isArray(fields) ? fields.filter((field) => typeof field === 'string') : [];
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0);
}

const dayMs = 86_400_000;

/** Whole days since a moment. */
export function daysSince(moment: string): number {
  return moment === '' ? 0 : Math.max(0, Math.floor((Date.now() - Date.parse(moment)) / dayMs));
}
