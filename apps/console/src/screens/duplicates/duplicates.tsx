import { useSearch } from '@tanstack/react-router';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useCustomFields } from '../../app/resource.ts';
import { nameOf, type FormField } from '../../kit/form/form-field.ts';
import { isPrincipal, shapeOf, usePeople, useRecord, useTitles } from '../../kit/record/names.tsx';
import { ProblemNote, ProblemText } from '../../app/boundaries.tsx';
import { format, labels, t } from '../../app/language.ts';
import { Bar } from '../../app/shell/shell.tsx';
import { useShortcut } from '../../app/shortcuts.ts';
import { call, invalidate, readQuery, useItems } from '../../contract/api.ts';
import { isJson, itemsAt, textAt, type Json } from '../../contract/json.ts';
import { Compare, type ComparedRow, type Side } from '../../kit/record/compare.tsx';
import { Nothing } from '../../kit/nothing.tsx';
import { Split, SplitFoot, SplitLine } from '../../kit/split.tsx';
import { notify } from '../../kit/notices.ts';
import { Button, Chip, Face, icons, text, Ticks } from '../../kit/ui.tsx';
import { theContract } from '../../contract/contract.ts';
import { plainText } from '../../kit/record/value.tsx';
import { useGoOn } from '../../kit/use-go-on.ts';
import style from './duplicates.module.css';

/** Pairs of customers that are probably the same, and their merge field by field. The address can name two others. */
export function Duplicates() {
  const navigate = useGoOn();
  const { left, right }: { left?: string; right?: string } = useSearch({ strict: false });
  const { items, more } = useItems('duplicates');
  const pairs = left === undefined ? items : [{ leftId: left, rightId: right }, ...items];
  const titles = useTitles(
    'customers',
    pairs.flatMap((pair) => [textAt(pair, 'leftId'), textAt(pair, 'rightId')]),
  );
  const names = (id: string) => titles.get(id) ?? '…';
  return (
    <>
      <Bar title={t('nav.duplicates')} beside={t('duplicates.count', { count: items.length })}>
        {more && <Button onPress={more}>{t('duplicates.more')}</Button>}
      </Bar>
      {pairs.length > 0 ? (
        <Split
          label={t('nav.duplicates')}
          items={pairs}
          idOf={pairId}
          nameOf={(pair) => names(textAt(pair, 'leftId'))}
          line={(pair) => <PairLine pair={pair} names={names} />}
        >
          {(pair) =>
            pair && (
              <Pair
                key={pairId(pair)}
                pair={pair}
                onMerged={() => void navigate({ to: '/duplicates', replace: true })}
              />
            )
          }
        </Split>
      ) : (
        <Nothing title={t('duplicates.none')} help={t('duplicates.noneHelp')} />
      )}
    </>
  );
}

function pairId(pair: Json): string {
  return `${textAt(pair, 'leftId')} ${textAt(pair, 'rightId')}`;
}

function PairLine({ pair, names }: { pair: Json; names: (id: string) => string }) {
  const name = names(textAt(pair, 'leftId'));
  const customer = useRecord('customers', textAt(pair, 'leftId'));
  const { score } = pair;
  return (
    <>
      <Face name={name} shape={shapeOf(customer)} size="middle" />
      <SplitLine name={name} below={names(textAt(pair, 'rightId'))} />
      {typeof score === 'number' && (
        <Chip tone={score >= 90 ? 'warn' : 'quiet'}>{t('duplicates.score', { score: Math.floor(score) })}</Chip>
      )}
    </>
  );
}

function Pair({ pair, onMerged }: { pair: Json; onMerged: () => void }) {
  const [isSwapped, setSwapped] = useState(false);
  const [leftId, rightId] = isSwapped ? ['rightId', 'leftId'] : ['leftId', 'rightId'];
  const merge = useMerge(onMerged);
  // A merged customer is not found any more.
  const isAsked = !merge.isPending && !merge.isSuccess;
  const left = useQuery(readQuery('getCustomer', { id: textAt(pair, leftId ?? '') }, isAsked));
  const right = useQuery(readQuery('getCustomer', { id: textAt(pair, rightId ?? '') }, isAsked));
  const people = usePeople();
  const custom = useCustomFields({ resource: theContract().resource('customers')!, parents: {} });
  const rows = comparedRows(left.data, right.data, { people, custom });
  const [chosen, setChosen] = useState<Record<string, Side>>({});
  const sides = Object.fromEntries(
    rows.map(({ id, left: value }) => [id, chosen[id] ?? (value === '' ? 'right' : 'left')]),
  );
  const preferred = rows.filter(({ id, isChoice }) => isChoice === true && sides[id] === 'right').map(({ id }) => id);
  const run = () => merge.mutate({ left: left.data, right: right.data, preferMerged: preferred });
  useShortcut('m', 'duplicates.merge', run, left.data !== undefined && right.data !== undefined && !merge.isPending);
  useShortcut('s', 'duplicates.swap', () => setSwapped(!isSwapped));
  if (left.error ?? right.error) return <ProblemText error={left.error ?? right.error} />;
  return (
    <>
      <Compare
        label={t('nav.duplicates')}
        fieldHead={t('compare.field')}
        leftHead={<SideHead customer={left.data} role={t('duplicates.stays')} />}
        rightHead={<SideHead customer={right.data} role={t('duplicates.goes')} />}
        rows={rows}
        chosen={sides}
        onChoose={(id, side) => setChosen({ ...chosen, [id]: side })}
      />
      <Evidence pair={pair} />
      <ProblemNote error={merge.error} />
      <SplitFoot>
        <span className={text.grow}>{t('duplicates.what', { count: preferred.length })}</span>
        <Button icon={icons.ArrowLeftRight} shortcut="S" onPress={() => setSwapped(!isSwapped)}>
          {t('duplicates.swap')}
        </Button>
        <Button kind="primary" icon={icons.Merge} shortcut="M" onPress={run} isPending={merge.isPending}>
          {t('duplicates.merge')}
        </Button>
      </SplitFoot>
    </>
  );
}

interface WantedMerge {
  left: Json | undefined;
  right: Json | undefined;
  /** Fields whose values are taken from the right. */
  preferMerged: string[];
}

/** Merges the right customer into the left one; the toast takes it back. */
function useMerge(onMerged: () => void) {
  return useMutation({
    mutationFn: async ({ left, right, preferMerged }: WantedMerge) => {
      const body = { mergedId: textAt(right, 'id'), mergedEtag: textAt(right, 'etag'), preferMerged };
      return call('mergeCustomers', { id: textAt(left, 'id') }, { body, ifMatch: textAt(left, 'etag') });
    },
    onSuccess: async (answer, { left }) => {
      const id = textAt(answer, 'merge.id');
      const undo = async () => {
        await call('unmergeCustomers', { id });
        await refresh();
      };
      notify(t('duplicates.merged', { name: textAt(left, 'displayName') }), undo);
      onMerged();
      await refresh();
    },
  });
}

async function refresh(): Promise<void> {
  await Promise.all([invalidate('duplicates'), invalidate('customers')]);
}

function SideHead({ customer, role }: { customer: Json | undefined; role: string }) {
  const name = textAt(customer, 'displayName');
  const time = textAt(customer, 'updateTime');
  return (
    <span className={text.row}>
      <Face name={name} shape={shapeOf(customer)} size="middle" />
      <span>
        <strong>{name}</strong>
        <br />
        {role}
        {time !== '' && `, ${format.ago(time)}`}
      </span>
    </span>
  );
}

/** Why both are probably the same: what speaks for it and against it, in bits. */
function Evidence({ pair }: { pair: Json }) {
  const evidence = itemsAt(pair, 'evidence').toSorted((one, other) => Number(other.weight) - Number(one.weight));
  if (evidence.length === 0) return null;
  return (
    <section className={style.evidence}>
      <h3>{t('duplicates.why')}</h3>
      <ul>
        {evidence.map((each) => {
          const weight = Number(each.weight);
          const label = t('duplicates.bits', { weight: weight.toFixed(1) });
          return (
            <li key={textAt(each, 'field')}>
              <span>{labels.field('Customer', textAt(each, 'field'))}</span>
              <Ticks label={label} count={20} value={Math.abs(weight) / 20} tone={weight < 0 ? 'warn' : 'accent'} />
              <span className={text.meta}>{t(`duplicates.level.${textAt(each, 'level')}`)}</span>
              <span className={text.number}>{label}</span>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

interface Names {
  people: ReturnType<typeof usePeople>;
  custom: readonly FormField[];
}

/** The fields of two customers that either has: those that differ first. Lists are united by a merge, so they need no choice. */
function comparedRows(left: Json | undefined, right: Json | undefined, { people, custom }: Names): ComparedRow[] {
  const fields = theContract()
    .fields('Customer')
    .filter(({ output, type }) => output === undefined && type !== 'object');
  const rows = [
    ...fields.map((field) => ({
      field,
      id: field.name,
      name: labels.field('Customer', field.name),
      of: (each: Json | undefined) => each?.[field.name],
    })),
    ...customKeys(left, right).map((key) => {
      const field = custom.find(({ name }) => name === `customFields.${key}`) ?? { name: key, type: 'text' as const };
      const of = (each: Json | undefined) => (isJson(each?.customFields) ? each.customFields[key] : undefined);
      return { field, id: `customFields.${key}`, name: nameOf(field), of };
    }),
  ].map(({ field, id, name, of }): ComparedRow => {
    const one = shown(field, of(left), people);
    const other = shown(field, of(right), people);
    const isChoice = field.list === undefined && one !== '' && other !== '' && one !== other;
    const isUnited = field.list !== undefined && one !== other;
    return { id, name, left: one, right: other, isChoice, ...(isUnited && { note: t('compare.both') }) };
  });
  const shownRows = rows.filter((row) => row.left !== '' || row.right !== '');
  return shownRows.toSorted((one, other) => Number(other.isChoice ?? false) - Number(one.isChoice ?? false));
}

function customKeys(...records: readonly (Json | undefined)[]): string[] {
  const keys = records.flatMap((each) => (isJson(each?.customFields) ? Object.keys(each.customFields) : []));
  return [...new Set(keys)].toSorted();
}

function shown(field: FormField, value: unknown, people: Names['people']): string {
  if (value === undefined || value === null) return '';
  const text = (each: unknown) => {
    if (field.type === 'enum') return labels.value(field.of ?? '', String(each));
    const person = isPrincipal(field) ? people.get(String(each)) : undefined;
    return person?.name ?? plainText(field, each);
  };
  return Array.isArray(value) ? value.map(text).join(', ') : text(value);
}
