import { useQueries, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { format, t } from '../../app/language.ts';
import { readQuery } from '../../contract/api.ts';
import { itemsAt, textAt, valueAt, type Json } from '../../contract/json.ts';
import { Select } from '../../kit/form/field.tsx';
import { join, text, Ticks } from '../../kit/ui.tsx';
import { columnsOf, type Column } from '../board/board-data.ts';
import { hintsOf } from '../../hints/hints.ts';
import { theContract } from '../../contract/contract.ts';
import { Legend, Panel } from '../../kit/panel.tsx';
import { addDays, allOf, dayText, median, sumIn, today } from './home-data.ts';
import style from './home.module.css';

/** The open deals of a pipeline by stage: value and weighted value as bars, and how long deals stay. */
export function PipelinePanel({ condition }: { condition: string }) {
  const { data } = useQuery(readQuery('listPipelines', { pageSize: 100 }));
  const [chosen, setChosen] = useState('');
  const pipelines = itemsAt(data, 'pipelines');
  const pipeline = pipelines.find((each) => textAt(each, 'id') === chosen) ?? pipelines[0];
  // The place of a panel that is still to come: those beside and below it stay where they are.
  if (!data) return <Panel className={join(style.pipeline, style.coming)} title={t('home.pipeline')} />;
  if (!pipeline) return null;
  const options = pipelines.map((each) => ({ id: textAt(each, 'id'), name: textAt(each, 'name') }));
  return (
    <Panel
      className={style.pipeline}
      title={t('home.pipeline')}
      beside={options.length < 2 ? textAt(pipeline, 'name') : undefined}
      end={
        <>
          {options.length > 1 && (
            <Select
              label={t('board.pipeline')}
              isHiddenLabel
              options={options}
              value={textAt(pipeline, 'id')}
              onChange={setChosen}
            />
          )}
          <Legend color="--chart-1">{t('home.weighted')}</Legend>
          <Legend color="--chart-fill">{t('home.full')}</Legend>
        </>
      }
    >
      <Stages pipeline={pipeline} condition={condition} />
    </Panel>
  );
}

function Stages({ pipeline, condition }: { pipeline: Json; condition: string }) {
  const open = allOf('status = OPEN', `pipelineId = ${textAt(pipeline, 'id')}`, condition);
  const { data } = useQuery(readQuery('aggregateDeals', { groupBy: 'stage', sum: 'amount', filter: open }));
  const { data: settings } = useQuery(readQuery('getSettings'));
  const [chosen, setChosen] = useState('');
  const total = valueAt(data, 'total') as Json | undefined;
  const currencies = itemsAt(total, 'sums').map((sum) => textAt(sum, 'currencyCode'));
  const wanted = chosen || textAt(settings, 'baseCurrency');
  const currency = currencies.includes(wanted) ? wanted : currencies[0];
  const groups = new Map(itemsAt(data, 'groups').map((each) => [textAt(itemsAt(each, 'values')[0], 'value'), each]));
  const deals = theContract().resource('deals');
  const hint = deals && hintsOf(deals).board;
  if (!deals || !hint || !data) return null;
  const rows = columnsOf(deals, hint, pipeline)
    .filter(({ isOpen }) => isOpen)
    .map((column) => {
      const value = currency === undefined ? 0 : sumIn(groups.get(column.key), currency);
      const count = Number(valueAt(groups.get(column.key), 'count') ?? 0);
      return { column, count, value, weighted: (value * (column.probability ?? 0)) / 100 };
    });
  return (
    <div className={style.body}>
      <Headline rows={rows} currency={currency} currencies={currencies} filter={open} onCurrency={setChosen} />
      <StageTable rows={rows} currency={currency ?? ''} pipeline={textAt(pipeline, 'id')} />
    </div>
  );
}

interface StageRow {
  column: Column;
  count: number;
  value: number;
  weighted: number;
}

function Headline({ rows, currency = '', currencies, filter, onCurrency }: HeadlineProps) {
  const now = today();
  const end = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1));
  const closing = `${filter} AND closeDate <= ${dayText(addDays(end, -1))}`;
  const { data } = useQuery(readQuery('aggregateDeals', { sum: 'amount', filter: closing }));
  const sum = (of: (row: StageRow) => number) => rows.reduce((total, row) => total + of(row), 0);
  const money = format.moneyIn(currency);
  return (
    <div className={style.headline}>
      <span className={text.figure}>{money(sum(({ value }) => value))}</span>
      <span>
        {t(currencies.length > 1 ? 'home.dealsInCurrencies' : 'home.deals', {
          count: sum(({ count }) => count),
          currencies: currencies.length,
        })}
        {' · '}
        <b>{money(sum(({ weighted }) => weighted))}</b> {t('home.weighted.in')}
      </span>
      <span>
        {t('home.closingThisMonth')} <b>{money(sumIn(valueAt(data, 'total') as Json | undefined, currency))}</b>
      </span>
      <span className={text.grow} />
      {currencies.length > 1 && (
        <Select
          label={t('home.currency')}
          isHiddenLabel
          options={currencies.map((code) => ({ id: code, name: code }))}
          value={currency}
          onChange={onCurrency}
        />
      )}
    </div>
  );
}

interface HeadlineProps {
  rows: readonly StageRow[];
  currency: string | undefined;
  currencies: readonly string[];
  filter: string;
  onCurrency: (currency: string) => void;
}

function StageTable({ rows, currency, pipeline }: { rows: readonly StageRow[]; currency: string; pipeline: string }) {
  const days = useMedianDays(
    pipeline,
    rows.map(({ column }) => column.key),
  );
  const most = Math.max(...rows.map(({ value }) => value), 1);
  const money = format.moneyIn(currency);
  return (
    <table className={style.stages}>
      <thead>
        <tr>
          <th scope="col">{t('home.stage')}</th>
          <td />
          <th scope="col">{t('home.full')}</th>
          <th scope="col">{t('home.weighted')}</th>
          <th scope="col">{t('home.medianDays')}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ column, count, value, weighted }) => (
          <tr key={column.key}>
            <th scope="row">
              <span className={text.cut}>{column.name}</span> <span className={text.faint}>{format.number(count)}</span>
            </th>
            <td aria-hidden>
              <div className={style.track} style={{ width: `${(value / most) * 100}%` }}>
                <div className={style.weighted} style={{ width: `${column.probability ?? 0}%` }} />
              </div>
            </td>
            <td>{money(value)}</td>
            <td className={text.two}>{money(weighted)}</td>
            <td>
              <StayTicks days={days.get(column.key)} limit={column.limitDays} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function StayTicks({ days, limit }: { days: number | undefined; limit: number | undefined }) {
  if (days === undefined) return <span className={text.faint}>–</span>;
  const scale = limit === undefined ? 30 : limit * 1.5;
  return (
    <span className={join(text.row, text.two)}>
      <Ticks
        label={t('home.days', { days: Math.round(days) })}
        value={days / scale}
        tone={limit !== undefined && days > limit ? 'warn' : 'accent'}
        limit={limit === undefined ? undefined : limit / scale}
      />
      {format.number(Math.round(days * 10) / 10)}
    </span>
  );
}

/** Median of the last hundred stays in each stage that have ended. */
function useMedianDays(pipeline: string, stages: readonly string[]): ReadonlyMap<string, number> {
  return useQueries({
    queries: stages.map((stage) =>
      readQuery('listStageEntries', {
        filter: `pipelineId = ${pipeline} AND stage = ${stage} AND durationSeconds >= 0`,
        orderBy: 'leaveTime desc',
        pageSize: 100,
        readMask: 'durationSeconds',
      }),
    ),
    combine: (answers) => {
      const medians = answers.map(({ data }) =>
        median(itemsAt(data, 'stageEntries').map((entry) => Number(valueAt(entry, 'durationSeconds')) / 86_400)),
      );
      return new Map(stages.flatMap((stage, index) => (medians[index] === undefined ? [] : [[stage, medians[index]]])));
    },
  });
}
