import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { Pending, ProblemNote } from '../../app/boundaries.tsx';
import { format, labels, t } from '../../app/language.ts';
import { scheduleInvalidate, useLiveChanges } from '../../app/live.ts';
import { useAddress, useMay } from '../../app/resource.ts';
import { Bar, Scroll } from '../../app/shell/shell.tsx';
import { useShortcut } from '../../app/shortcuts.ts';
import { readQuery } from '../../contract/api.ts';
import { itemsAt, textAt, valueAt, type Json } from '../../contract/json.ts';
import { theContract } from '../../contract/contract.ts';
import { optionsOf, useFirst } from '../../kit/form/choices.ts';
import { Select } from '../../kit/form/field.tsx';
import { Segments } from '../../kit/form/segments.tsx';
import { Nothing } from '../../kit/nothing.tsx';
import { Button, IconButton, icons, text } from '../../kit/ui.tsx';
import { curlOf } from '../operation/snippets.ts';
import { Ruler } from '../record/history/ruler.tsx';
import { converted, currenciesOf, periodAt, shifted, spanOf, spans, type View } from './forecast-data.ts';
import { GroupTable } from './group-table.tsx';
import { Submissions, SubmitDialog } from './submissions.tsx';
import { periodName, Summary } from './summary.tsx';
import style from './forecast.module.css';

interface ForecastSearch {
  period?: string;
  /** A grouping of the contract, such as `OWNER`. */
  by?: string;
  currency?: string;
  pipeline?: string;
  asOf?: string;
}

/** What a period brings: by category, beside its quotas, now or as it was at an earlier time. */
export function Forecast() {
  const settings = useQuery(readQuery('getSettings'));
  if (settings.isPending) return <Pending />;
  return <ForecastOf settings={settings.data} />;
}

function ForecastOf({ settings }: { settings: Json | undefined }) {
  const [search, change] = useAddress<ForecastSearch>();
  const fiscalStart = Number(valueAt(settings, 'fiscalYearStartMonth') ?? 1);
  // oxlint-disable-next-line react/purity -- of the time at which it is shown
  const period = search.period ?? periodAt('quarter', new Date(), fiscalStart);
  const grouping = search.by ?? 'OWNER';
  const asked = { period, groupBy: grouping, pipelineId: search.pipeline, asOf: useSettled(search.asOf) };
  const { data, error } = useQuery({
    ...readQuery('computeForecast', asked),
    placeholderData: (previous) => previous,
  });
  useLiveChanges(({ type }) => ['deal', 'quota'].includes(type) && scheduleInvalidate('forecasts'));
  const pipelines = useFirst('pipelines');
  const base = textAt(settings, 'baseCurrency');
  const currencies = currenciesOf(data);
  const wanted = search.currency ?? (currencies.includes(converted) ? converted : base);
  const view: View | undefined = data && {
    ...{ period, grouping, forecast: data, pipelines, asOf: search.asOf, pipelineId: search.pipeline ?? '' },
    currency: currencies.includes(wanted) ? wanted : (currencies[0] ?? ''),
  };
  return (
    <>
      <ForecastBar period={period} forecast={data} />
      <div className={style.tools}>
        <PeriodPicker period={period} fiscalStart={fiscalStart} onChange={(next) => change({ period: next })} />
        <Segments
          label={t('forecast.by')}
          value={grouping}
          onChange={(by) => change({ by })}
          options={labels.values('ForecastGrouping')}
        />
        <Select
          label={t('board.pipeline')}
          isHiddenLabel
          value={search.pipeline ?? ''}
          onChange={(pipeline) => change({ pipeline })}
          options={[{ id: '', name: t('forecast.allPipelines') }, ...optionsOf(pipelines)]}
        />
        {currencies.length > 1 && (
          <Select
            label={t('home.currency')}
            isHiddenLabel
            value={view?.currency ?? ''}
            onChange={(currency) => change({ currency })}
            options={currencies.map((id) => ({
              id,
              name: id === converted ? t('forecast.converted', { currency: base }) : id,
            }))}
          />
        )}
      </div>
      <AsOf asOf={search.asOf} />
      <Scroll padded>
        <ProblemNote error={error} />
        {view && <Parts view={view} asked={asked} />}
      </Scroll>
    </>
  );
}

function Parts({ view, asked }: { view: View; asked: Json }) {
  const navigate = useNavigate();
  const isEmpty = view.currency === '' && valueAt(view.forecast, 'total.dealCount') === 0;
  return (
    <div className={style.parts}>
      {isEmpty ? (
        <Nothing
          title={t('forecast.none', { period: periodName(view.period) })}
          help={t('forecast.noneHelp')}
          curl={curlOf({ operation: theContract().operation('computeForecast'), parameters: asked })}
        >
          <Button
            icon={icons.Plus}
            onPress={() =>
              void navigate({
                to: '/$resource/new',
                params: { resource: 'quotas' },
                search: { period: view.period } as never,
              })
            }
          >
            {t('forecast.newQuota')}
          </Button>
        </Nothing>
      ) : (
        <div className={style.main}>
          <Summary view={view} />
          <GroupTable view={view} />
        </div>
      )}
      <Submissions view={view} />
    </div>
  );
}

function ForecastBar({ period, forecast }: { period: string; forecast: Json | undefined }) {
  const may = useMay();
  const [isOpen, setOpen] = useState(false);
  const maySubmit = may('createForecastSubmission');
  useShortcut('s', 'forecast.submit', () => setOpen(true), maySubmit);
  const [start, end] = [textAt(forecast, 'startDate'), textAt(forecast, 'endDate')];
  return (
    <Bar
      title={t('nav.forecast')}
      beside={start !== '' && <span className={text.desk}>{`${format.date(start)} – ${format.date(end)}`}</span>}
    >
      {maySubmit && (
        <Button kind="primary" icon={icons.Send} shortcut="S" onPress={() => setOpen(true)}>
          {t('forecast.submit')}
        </Button>
      )}
      {isOpen && <SubmitDialog period={period} onClose={() => setOpen(false)} />}
    </Bar>
  );
}

interface PeriodPickerProps {
  period: string;
  fiscalStart: number;
  onChange: (period: string) => void;
}

function PeriodPicker({ period, fiscalStart, onChange }: PeriodPickerProps) {
  const step = (by: number) => onChange(shifted(period, by));
  useShortcut('[', 'forecast.previous', () => step(-1));
  useShortcut(']', 'forecast.next', () => step(1));
  return (
    <span className={style.period}>
      <Segments
        label={t('forecast.span')}
        value={spanOf(period)}
        onChange={(span) => onChange(periodAt(span, new Date(), fiscalStart))}
        options={spans.map((id) => ({ id, name: t(`forecast.${id}`) }))}
      />
      <span className={style.step}>
        <IconButton name={t('forecast.previous')} shortcut="[" icon={icons.ChevronLeft} onPress={() => step(-1)} />
        <b>{periodName(period)}</b>
        <IconButton name={t('forecast.next')} shortcut="]" icon={icons.ChevronRight} onPress={() => step(1)} />
      </span>
    </span>
  );
}

/** Moves of deals and nightly snapshots as ticks: the handle shows the forecast as it was at one of them. */
function AsOf({ asOf }: { asOf: string | undefined }) {
  const moves = useQuery(
    readQuery('listStageEntries', { orderBy: 'enterTime desc', pageSize: 200, readMask: 'enterTime' }),
  );
  const nights = useQuery(readQuery('listForecastSnapshots', { pageSize: 200 }));
  const marks = [
    ...itemsAt(moves.data, 'stageEntries').map((each) => ({
      time: textAt(each, 'enterTime'),
      changedFields: ['stage'],
    })),
    ...itemsAt(nights.data, 'forecastSnapshots').map((each) => ({ time: textAt(each, 'time') })),
  ];
  // A batch moves many deals at one time.
  const changes = [...new Map(marks.map((mark) => [mark.time, { ...mark, id: mark.time }])).values()].toSorted(
    (one, other) => Date.parse(other.time) - Date.parse(one.time),
  );
  if (changes.length === 0) return null;
  return <Ruler item={{ asOf, changes, moreChanges: undefined }} />;
}

/** A value once it has not changed for a moment: a handle that is dragged asks only where it rests. */
function useSettled(value: string | undefined): string | undefined {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), 150);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}
