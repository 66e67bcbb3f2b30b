import { useInfiniteQuery, useMutation, useQuery } from '@tanstack/react-query';
import { ArrowLeftRight, Merge } from 'lucide-react';
import { useState } from 'react';
import { useTitles } from '../../kit/record/names.tsx';
import { Failure, Pending, ProblemText } from '../../app/boundaries.tsx';
import { useLanguage } from '../../app/language.ts';
import { Bar } from '../../app/shell/shell.tsx';
import { useShortcut } from '../../app/shortcuts.ts';
import { call, invalidate, itemsAt, listQuery, readQuery, textAt, valueAt, type Json } from '../../contract/api.ts';
import { theContract } from '../../contract/contract.ts';
import { Compare, type Side } from '../../kit/record/compare.tsx';
import { Nothing } from '../../kit/nothing.tsx';
import { Split } from '../../kit/split.tsx';
import { notify } from '../../kit/toast.tsx';
import { Button, Chip, Face, Ticks } from '../../kit/ui.tsx';
import text from '../../style/text.module.css';
import { useComparedRows } from './compared-rows.ts';
import style from './duplicates.module.css';

/** Pairs of customers that are probably the same, and their merge field by field. */
export function Duplicates() {
  const { t } = useLanguage();
  const resource = theContract().resource('duplicates');
  if (!resource) throw new Error('The contract has no duplicates.');
  const { data, error, isPending, hasNextPage, fetchNextPage } = useInfiniteQuery(listQuery(resource));
  const pairs = data?.pages.flatMap(({ items }) => items) ?? [];
  const titles = useTitles(
    'customers',
    pairs.flatMap((pair) => [textAt(pair, 'leftId'), textAt(pair, 'rightId')]),
  );
  const names = (id: string) => titles.get(id) ?? '…';
  const [chosenId, setChosenId] = useState<string>();
  const open = pairs.find((pair) => pairId(pair) === chosenId) ?? pairs[0];
  const step = (by: number) => {
    const next = pairs[pairs.findIndex((pair) => pair === open) + by];
    if (next) setChosenId(pairId(next));
  };
  useShortcut('j', 'duplicates.next', () => step(1));
  useShortcut('k', 'duplicates.previous', () => step(-1));
  if (error) return <Failure error={error} reset={() => undefined} />;
  if (isPending) return <Pending />;
  return (
    <>
      <Bar title={t('nav.duplicates')} beside={t('duplicates.count', { count: pairs.length })}>
        {hasNextPage && <Button onPress={() => void fetchNextPage()}>{t('duplicates.more')}</Button>}
      </Bar>
      {open ? (
        <Split
          label={t('nav.duplicates')}
          openId={pairId(open)}
          onOpen={setChosenId}
          items={pairs.map((pair) => ({
            id: pairId(pair),
            name: names(textAt(pair, 'leftId')),
            content: <PairLine pair={pair} names={names} />,
          }))}
        >
          <Pair key={pairId(open)} pair={open} />
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
  const { t } = useLanguage();
  const score = Number(pair.score);
  return (
    <>
      <Face name={names(textAt(pair, 'leftId'))} size="middle" />
      <span className={style.line}>
        <span className={text.cut}>{names(textAt(pair, 'leftId'))}</span>
        <span className={text.meta}>{names(textAt(pair, 'rightId'))}</span>
      </span>
      <Chip tone={score >= 90 ? 'warn' : 'quiet'}>{t('duplicates.score', { score: Math.floor(score) })}</Chip>
    </>
  );
}

function Pair({ pair }: { pair: Json }) {
  const { t } = useLanguage();
  const [isSwapped, setSwapped] = useState(false);
  const [leftId, rightId] = isSwapped ? ['rightId', 'leftId'] : ['leftId', 'rightId'];
  const left = useQuery(readQuery('getCustomer', { id: textAt(pair, leftId ?? '') }));
  const right = useQuery(readQuery('getCustomer', { id: textAt(pair, rightId ?? '') }));
  const rows = useComparedRows(left.data, right.data);
  const [chosen, setChosen] = useState<Record<string, Side>>({});
  const merge = useMerge(left.data, right.data);
  const sides = Object.fromEntries(
    rows.map(({ id, left: value }) => [id, chosen[id] ?? (value === '' ? 'right' : 'left')]),
  );
  const preferred = rows.filter(({ id, isChoice }) => isChoice === true && sides[id] === 'right').map(({ id }) => id);
  const run = () => merge.mutate(preferred);
  useShortcut('m', 'duplicates.merge', run, left.data !== undefined && right.data !== undefined);
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
      {merge.error && (
        <div className={style.problem} role="alert">
          <ProblemText error={merge.error} />
        </div>
      )}
      <footer className={style.foot}>
        <span className={text.grow}>{t('duplicates.what', { count: preferred.length })}</span>
        <Button icon={ArrowLeftRight} shortcut="S" onPress={() => setSwapped(!isSwapped)}>
          {t('duplicates.swap')}
        </Button>
        <Button kind="primary" icon={Merge} shortcut="M" onPress={run} isDisabled={merge.isPending}>
          {t('duplicates.merge')}
        </Button>
      </footer>
    </>
  );
}

/** Merges the right customer into the left one; the toast takes it back. */
function useMerge(left: Json | undefined, right: Json | undefined) {
  const { t } = useLanguage();
  return useMutation({
    mutationFn: async (preferMerged: string[]) => {
      const body = { mergedId: textAt(right, 'id'), mergedEtag: textAt(right, 'etag'), preferMerged };
      return call('mergeCustomers', { id: textAt(left, 'id') }, { body, ifMatch: textAt(left, 'etag') });
    },
    onSuccess: async (answer) => {
      const id = textAt(answer, 'merge.id');
      const undo = async () => {
        await call('unmergeCustomers', { id });
        await refresh();
      };
      notify({
        text: t('duplicates.merged', { name: textAt(left, 'displayName') }),
        undo: { name: t('duplicates.undo'), run: () => void undo() },
      });
      await refresh();
    },
  });
}

async function refresh(): Promise<void> {
  await Promise.all([invalidate('duplicates'), invalidate('customers')]);
}

function SideHead({ customer, role }: { customer: Json | undefined; role: string }) {
  const { format } = useLanguage();
  const name = textAt(customer, 'displayName');
  const time = textAt(customer, 'updateTime');
  return (
    <span className={text.row}>
      <Face name={name} shape={valueAt(customer, 'kind') === 'COMPANY' ? 'company' : 'person'} size="middle" />
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
  const { t, labels } = useLanguage();
  const evidence = itemsAt(pair, 'evidence').toSorted((one, other) => Number(other.weight) - Number(one.weight));
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
