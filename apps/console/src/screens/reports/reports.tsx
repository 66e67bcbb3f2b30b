import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useAddress } from '../../app/resource.ts';
import { Pending, ProblemNote } from '../../app/boundaries.tsx';
import { format, locale, t } from '../../app/language.ts';
import { scheduleInvalidate, useLiveChanges } from '../../app/live.ts';
import { Bar, Scroll } from '../../app/shell/shell.tsx';
import { readQuery } from '../../contract/api.ts';
import { itemsAt, textAt, type Json } from '../../contract/json.ts';
import { optionsOf } from '../../kit/form/choices.ts';
import { Select } from '../../kit/form/field.tsx';
import { Segments } from '../../kit/form/segments.tsx';
import { Nothing } from '../../kit/nothing.tsx';
import { Legend, Panel } from '../../kit/panel.tsx';
import { usePeople } from '../../kit/record/names.tsx';
import { Icon, icons, text } from '../../kit/ui.tsx';
import { BarTable, MedianLegend, PartBar } from './bar-table.tsx';
import { Outcome } from './outcome.tsx';
import { durationText, rowsOf, type StageRow } from './report-rows.ts';
import style from './reports.module.css';

/** Days up to now that a report is about; all for none. */
const ranges = ['30d', '90d', '365d', 'all'] as const;

interface ReportSearch {
  pipeline?: string;
  range?: string;
  owner?: string;
}

/** How deals go through a pipeline: conversion and time by stage, and why deals are won or lost. */
export function Reports() {
  const [search, change] = useAddress<ReportSearch>();
  const { data, isPending, error } = useQuery(readQuery('listPipelines', { pageSize: 100 }));
  const people = [...usePeople().values()].filter(({ shape }) => shape === 'person');
  const pipelines = itemsAt(data, 'pipelines');
  const pipeline = pipelines.find(({ id }) => id === search.pipeline) ?? pipelines[0];
  if (isPending) return <Pending />;
  return (
    <>
      <Bar title={t('reports.title')} beside={<span className={text.desk}>{textAt(pipeline, 'name')}</span>}>
        {pipeline && (
          <Link to="/pipelines/$id/stages" params={{ id: textAt(pipeline, 'id') }} className={style.edit}>
            <Icon of={icons.Settings2} />
            {t('reports.edit')}
          </Link>
        )}
      </Bar>
      <div className={style.tools}>
        <Segments
          label={t('reports.range')}
          value={search.range ?? 'all'}
          onChange={(range) => change({ range })}
          options={ranges.map((id) => ({ id, name: t(`reports.range.${id}`) }))}
        />
        <Select
          label={t('reports.owner')}
          isHiddenLabel
          value={search.owner ?? ''}
          onChange={(owner) => change({ owner })}
          options={[{ id: '', name: t('home.everyone') }, ...people.map(({ id, name }) => ({ id, name }))]}
        />
        {pipelines.length > 1 && (
          <Select
            label={t('board.pipeline')}
            isHiddenLabel
            value={textAt(pipeline, 'id')}
            onChange={(id) => change({ pipeline: id })}
            options={optionsOf(pipelines)}
          />
        )}
      </div>
      <Scroll padded>
        <ProblemNote error={error} />
        {pipeline ? (
          <ReportOf key={textAt(pipeline, 'id')} pipeline={pipeline} search={search} />
        ) : (
          <Nothing title={t('board.noPipeline')} help={t('reports.noneHelp')} />
        )}
      </Scroll>
    </>
  );
}

function ReportOf({ pipeline, search }: { pipeline: Json; search: ReportSearch }) {
  const [now] = useState(() => Date.now());
  const days = Number.parseInt(search.range ?? '', 10);
  const startTime = days > 0 ? new Date(now - days * 86_400_000).toISOString() : undefined;
  const id = textAt(pipeline, 'id');
  const asked = { id, startTime, ownerId: search.owner };
  const { data, error } = useQuery({
    ...readQuery('getPipelineReport', asked),
    placeholderData: (previous) => previous,
  });
  useLiveChanges(({ type }) => type === 'stage_entry' && scheduleInvalidate('pipelines'));
  const condition = [
    `pipelineId = ${id}`,
    startTime && `closeTime >= "${startTime}"`,
    search.owner && `ownerId = ${search.owner}`,
  ].filter(Boolean);
  const rows = rowsOf(pipeline, data);
  return (
    <>
      <ProblemNote error={error} />
      {data && (
        <div className={style.reports}>
          <Funnel rows={rows} />
          <Times rows={rows} />
          <Outcome report={data} condition={condition.join(' AND ')} />
        </div>
      )}
    </>
  );
}

/** The deals that entered each stage: those that went on, that are still there, and that were lost. A band leads from each bar to the next. */
function Funnel({ rows }: { rows: readonly StageRow[] }) {
  const stages = rows.filter(({ kind }) => kind !== 'LOST');
  const most = Math.max(...stages.map(({ entered }) => entered), 1);
  const share = (count: number) => `${(count / most) * 100}%`;
  return (
    <Panel
      title={t('reports.funnel')}
      end={parts.map((part) => (
        <Legend key={part} color={colors[part]}>
          {t(`reports.${part}`)}
        </Legend>
      ))}
    >
      <BarTable
        className={style.funnel}
        heads={[t('home.stage'), t('reports.entered'), t('reports.rate'), t('reports.lost')]}
        rows={stages.map((row, index) => ({
          key: row.key,
          name: row.name,
          title: row.name,
          bar: <FunnelBar row={row} next={stages[index + 1]} share={share} />,
          cells: [
            format.number(row.entered),
            row.rate === undefined || row.kind !== 'OPEN' ? '' : format.percent(row.rate),
            row.kind === 'OPEN' && <span className={text.two}>{format.number(row.lost)}</span>,
          ],
        }))}
      />
    </Panel>
  );
}

const parts = ['converted', 'open', 'lost'] as const;
const colors = { converted: '--chart-1', open: '--chart-fill', lost: '--chart-rest' };

interface FunnelBarProps {
  row: StageRow;
  next: StageRow | undefined;
  share: (count: number) => string;
}

function FunnelBar({ row, next, share }: FunnelBarProps) {
  const title = parts.map((part) => `${t(`reports.${part}`)} ${format.number(row[part])}`).join(', ');
  return (
    <>
      <div className={style.bar} style={{ width: share(row.entered) }} title={title}>
        {parts.map((part) => (
          <div key={part} style={{ flexGrow: row[part], background: `var(${colors[part]})` }} />
        ))}
      </div>
      {next && (
        <div
          className={style.band}
          style={{ clipPath: `polygon(0 0, ${share(row.converted)} 0, ${share(next.entered)} 100%, 0 100%)` }}
        />
      )}
    </>
  );
}

/** How long completed stays were: the median, and what nine in ten do not exceed, against the limit of the stage. */
function Times({ rows }: { rows: readonly StageRow[] }) {
  const stays = rows.filter(({ kind }) => kind === 'OPEN');
  const most = Math.max(...stays.map(({ p90 }) => p90 ?? 0), 1);
  return (
    <Panel title={t('reports.times')} end={<MedianLegend />}>
      <BarTable
        heads={[t('home.stage'), t('reports.median'), t('reports.p90'), t('reports.stays')]}
        rows={stays.map((row) => ({
          key: row.key,
          name: row.name,
          title: row.name,
          bar: <PartBar share={(row.p90 ?? 0) / most} part={(row.median ?? 0) / Math.max(row.p90 ?? 0, 1)} />,
          cells: [
            durationText(row.median, locale),
            <span className={row.isLate ? style.late : text.two}>
              {durationText(row.p90, locale)}
              {row.limitDays !== undefined && (
                <span className={text.faint}> / {durationText(row.limitDays * 86_400, locale)}</span>
              )}
            </span>,
            <span className={text.two}>{format.number(row.stays)}</span>,
          ],
        }))}
      />
    </Panel>
  );
}
