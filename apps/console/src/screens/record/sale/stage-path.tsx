import { useQueries, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { labels, t } from '../../../app/language.ts';
import { call, invalidate, readQuery } from '../../../contract/api.ts';
import { isJson, textAt, type Json } from '../../../contract/json.ts';
import { theContract } from '../../../contract/contract.ts';
import { hintsOf } from '../../../hints/hints.ts';
import { Ask } from '../../../kit/form/ask.tsx';
import { TextField } from '../../../kit/form/field.tsx';
import { FormRow } from '../../../kit/form/form.tsx';
import type { Faults } from '../../../kit/form/form-faults.tsx';
import { notify } from '../../../kit/notices.ts';
import { Icon, icons, join, text } from '../../../kit/ui.tsx';
import { columnsOf, daysSince, verbOf, type Column } from '../../board/board-data.ts';
import type { Item } from '../item.ts';
import style from './sale.module.css';

/** Why a stage does not take the record, as the server says it. */
interface Verdict {
  allowed: boolean;
  refusals: Json[];
}

/** The stages of the pipeline of a record, with where it is. Nothing for a record that is in no pipeline. */
export function StagePath({ item }: { item: Item }) {
  const hint = hintsOf(item.resource).board;
  const verb = verbOf(item.resource);
  const id = textAt(item.shown, hint?.pipeline ?? '');
  const { data: pipeline } = useQuery({ ...readQuery('getPipeline', { id }, id !== ''), staleTime: 60_000 });
  if (!hint || !pipeline || verb === undefined) return null;
  return <Path item={item} columns={columnsOf(item.resource, hint, pipeline)} verb={verb} since={hint.since} />;
}

function Path({ item, columns, verb, since }: { item: Item; columns: readonly Column[]; verb: string; since: string }) {
  const [isHot, setIsHot] = useState(false);
  const [asked, setAsked] = useState<Column>();
  const [pointed, setPointed] = useState<string>();
  const { shown, asOf, isDeleted, may } = item;
  const canMove = may(verb) && asOf === undefined && !isDeleted;
  const checks = useChecks(item, columns, isHot && canMove, verb);
  const at = columns.findIndex(({ key }) => key === textAt(shown, 'stage'));
  const move = useMove(item, verb);
  // Read before a stage asks for an amount, which begins in the base currency.
  useQuery({ ...readQuery('getSettings', {}, may('getSettings')), staleTime: 300_000 });
  const press = (to: Column) => {
    // A stage that has not been checked yet answers by the move itself.
    if (checks.get(to.key)?.allowed === false) setAsked(to);
    else void move(to).catch(() => setAsked(to));
  };
  const why = pointed === undefined ? undefined : checks.get(pointed);
  return (
    <div
      className={style.path}
      onPointerEnter={() => setIsHot(true)}
      onFocus={() => setIsHot(true)}
      onPointerLeave={() => setPointed(undefined)}
    >
      <ol aria-label={t('path.name')}>
        {columns.map((column, index) => (
          <li key={column.key}>
            <Stage
              column={column}
              // One that is lost has not passed the stages before.
              isPassed={index < at && column.isOpen && columns[at]?.stage?.['kind'] !== 'LOST'}
              isHere={index === at}
              isLocked={checks.get(column.key)?.allowed === false}
              days={daysSince(textAt(shown, since))}
              onPress={canMove ? () => press(column) : undefined}
              onPoint={(isPointed) => setPointed(isPointed ? column.key : undefined)}
            />
          </li>
        ))}
      </ol>
      {why?.allowed === false && (
        <p id="path-why" role="status" className={style.why}>
          <Icon of={icons.Lock} small /> {why.refusals.map((refusal) => textAt(refusal, 'description')).join(' ')}
        </p>
      )}
      {asked && (
        <MoveDialog
          item={item}
          to={asked}
          check={checks.get(asked.key)}
          onMove={move}
          onClose={() => setAsked(undefined)}
        />
      )}
    </div>
  );
}

interface StageProps {
  column: Column;
  isPassed: boolean;
  isHere: boolean;
  isLocked: boolean;
  /** Since the record is in its stage. */
  days: number;
  onPress: (() => void) | undefined;
  onPoint: (isPointed: boolean) => void;
}

function Stage({ column, isPassed, isHere, isLocked, days, onPress, onPoint }: StageProps) {
  const isLate = isHere && column.isOpen && days > (column.limitDays ?? days);
  return (
    <button
      type="button"
      aria-current={isHere ? 'step' : undefined}
      aria-describedby={isLocked ? 'path-why' : undefined}
      className={join(style.stage, isPassed && style.passed, isHere && style.here, isLate && style.late)}
      disabled={!onPress || isHere}
      onClick={onPress}
      onPointerEnter={() => onPoint(true)}
      onFocus={() => onPoint(true)}
      onBlur={() => onPoint(false)}
    >
      {isPassed && <Icon of={icons.Check} small />}
      {isLocked && <Icon of={icons.Lock} small />}
      <span className={text.cut}>{column.name ?? column.key}</span>
      {isHere && column.isOpen && <span className={style.days}>{stayText(days, column.limitDays)}</span>}
    </button>
  );
}

function stayText(days: number, limit: number | undefined): string {
  return limit === undefined ? t('path.days', { days }) : t('path.daysOf', { days, limit });
}

/** Moves the record to a stage, with fields that the stage needs in one write. A toast takes it back. */
function useMove({ resource, id, now }: Item, verb: string): MoveDialogProps['onMove'] {
  return async (to, set = {}, reason = '') => {
    const body = { stage: to.key, ...(Object.keys(set).length > 0 && { set }), ...(reason !== '' && { reason }) };
    const { etag } = await call(verb, { id }, { body, ifMatch: textAt(now, 'etag') });
    await invalidate(resource.name);
    const back = () => call(verb, { id }, { body: { stage: now['stage'] }, ifMatch: String(etag) });
    notify(t('path.moved', { stage: to.name ?? to.key }), () => back().then(() => invalidate(resource.name)));
  };
}

/** What the server would say to each stage, asked once the person comes near, and again after each change. */
function useChecks(
  item: Item,
  columns: readonly Column[],
  isAsked: boolean,
  verb: string,
): ReadonlyMap<string, Verdict> {
  const check = `check${verb.replace(/^move(\w+)/, '$1Move')}`;
  const others = columns.filter(({ key }) => key !== textAt(item.now, 'stage'));
  return useQueries({
    queries: others.map(({ key }) => ({
      queryKey: ['checks', check, item.id, key, item.now.etag],
      queryFn: () => call<Verdict>(check, { id: item.id }, { body: { stage: key } }),
      enabled: isAsked && theContract().hasOperation(check),
      staleTime: 30_000,
    })),
    combine: (answers) =>
      new Map(others.flatMap(({ key }, index) => (answers[index]?.data ? [[key, answers[index].data]] : []))),
  });
}

interface MoveDialogProps {
  item: Item;
  to: Column;
  check: Verdict | undefined;
  onMove: (to: Column, set?: Json, reason?: string) => Promise<void>;
  onClose: () => void;
}

/** Asks for what the stage needs: the reasons first, then inputs for the fields that they name. */
function MoveDialog({ item, to, check, onMove, onClose }: MoveDialogProps) {
  const [value, setValue] = useState<Json>({});
  const [reason, setReason] = useState('');
  const refusals = check?.refusals ?? [];
  const names = [...new Set(refusals.map((refusal) => textAt(refusal, 'field').replace(/^move\.(?:set\.)?/, '')))];
  const fields = [...item.fields, ...item.custom].filter(({ name, output }) => names.includes(name) && output !== true);
  const { message } = item.resource;
  const set = Object.fromEntries(
    Object.entries(value).filter(([, each]) => !isJson(each) || Object.keys(each).length > 0),
  );
  return (
    <Ask
      title={t('path.moveTo', { stage: to.name ?? to.key })}
      acts={[{ name: t('path.move'), run: () => onMove(to, set, reason) }]}
      onClose={onClose}
      names={['reason', ...names.map((name) => `set/${name}`)]}
    >
      {(faults) => (
        <>
          {refusals.length > 0 && (
            <ul className={style.reasons}>
              {refusals.map((refusal, index) => (
                <li key={index}>
                  <Icon of={icons.Lock} small /> {textAt(refusal, 'description')}
                </li>
              ))}
            </ul>
          )}
          {fields.map((field, index) => (
            <FormRow
              key={field.name}
              message={message}
              field={field}
              value={value}
              onChange={setValue}
              faults={ofRecord(faults)}
              autoFocus={index === 0}
            />
          ))}
          <TextField
            label={labels.field('DealMove', 'reason')}
            value={reason}
            onChange={setReason}
            error={faults.get('/reason')}
          />
        </>
      )}
    </Ask>
  );
}

/** Faults of the values in `set`, by pointers in the record. */
function ofRecord(faults: Faults): Faults {
  return new Map([...faults].map(([pointer, detail]) => [pointer.replace(/^\/set(?=\/)/, ''), detail]));
}
