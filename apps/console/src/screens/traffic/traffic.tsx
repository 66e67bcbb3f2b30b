import { useEffect, useState } from 'react';
import { Segments } from '../../kit/form/segments.tsx';
import { ProblemText } from '../../app/boundaries.tsx';
import { format, t } from '../../app/language.ts';
import { Bar, Scroll } from '../../app/shell/shell.tsx';
import { useShortcut } from '../../app/shortcuts.ts';
import { Problem } from '../../contract/api.ts';
import { AreaChart, AreaTable, type Series } from '../../kit/chart/chart.tsx';
import { useAsTable } from '../../kit/chart/chart-bars.tsx';
import { Legend } from '../../kit/panel.tsx';
import { Button, Chip, icons, Skeleton, text } from '../../kit/ui.tsx';
import { figuresOfFrame, lastSeconds, useTraffic, type Frame, type TrafficState } from './figures.ts';
import { OperationTable } from './operation-table.tsx';
import { SidePanel, Strip } from './strip.tsx';
import style from './traffic.module.css';

const ranges = [60, 300, 900, 3_600] as const;

/** The requests of the workspace as they are answered, and the state of the platform behind them. */
export function Traffic() {
  const live = useTraffic();
  const [seconds, setSeconds] = useState<number>(300);
  const [paused, setPaused] = useState<readonly Frame[]>();
  const toggle = () => setPaused(paused ? undefined : live.frames);
  useShortcut('p', 'traffic.pause', toggle);
  const frames = lastSeconds(paused ?? live.frames, seconds);
  const isClosed = live.problem instanceof Problem && live.problem.status === 403;
  return (
    <>
      <Bar title={t('nav.traffic')} beside={<Connection live={live} isPaused={paused !== undefined} />}>
        <Segments
          label={t('traffic.range')}
          value={String(seconds)}
          onChange={(range) => setSeconds(Number(range))}
          options={ranges.map((range) => ({
            id: String(range),
            name: range < 3_600 ? t('traffic.minutes', { minutes: range / 60 }) : t('traffic.hour'),
          }))}
        />
        <Button icon={paused ? icons.Play : icons.Pause} shortcut="P" onPress={toggle}>
          <span className={text.fold}>{t(paused ? 'traffic.resume' : 'traffic.pause')}</span>
        </Button>
      </Bar>
      {isClosed ? (
        <div className={style.wait}>
          <ProblemText error={live.problem} />
        </div>
      ) : (
        <Scroll>
          {frames.length === 0 ? (
            <div className={style.wait}>
              <p>{t('traffic.first')}</p>
              <Skeleton width={32} />
              <Skeleton width={24} />
            </div>
          ) : (
            <Shown frames={frames} seconds={seconds} />
          )}
        </Scroll>
      )}
    </>
  );
}

function Shown({ frames, seconds }: { frames: readonly Frame[]; seconds: number }) {
  const last = frames.at(-1);
  return (
    <>
      <Strip frames={frames} />
      <div className={style.layout}>
        <div className={style.main}>
          <Answers frames={frames} seconds={seconds} />
          <OperationTable frames={frames} />
        </div>
        {last && <SidePanel frame={last} />}
      </div>
    </>
  );
}

function Answers({ frames, seconds }: { frames: readonly Frame[]; seconds: number }) {
  const [isTable, tableButton] = useAsTable();
  const each = frames.map(figuresOfFrame);
  const rates = (of: 'cache' | 'notModified' | 'service' | 'refused') =>
    each.map((figures) => (figures.seconds === 0 ? 0 : figures[of] / figures.seconds));
  const series: Series[] = [
    { name: t('traffic.cache'), color: 1, values: rates('cache') },
    { name: t('traffic.notModified'), color: 6, values: rates('notModified') },
    { name: t('traffic.service'), color: 3, values: rates('service') },
    { name: t('traffic.refused'), color: 4, values: rates('refused') },
  ];
  const times = frames.map(({ time }) => Date.parse(time) / 1_000);
  const title = t('traffic.requestsASecond');
  return (
    <section className={style.answers} aria-label={title}>
      <header className={style.head}>
        <h2>{title}</h2>
        <span className={text.grow} />
        {series.map(({ name, color, values }) => (
          <Legend key={name} color={`--chart-${color}`}>
            {name} <b>{format.number(Math.round(values.at(-1) ?? 0))}</b>
          </Legend>
        ))}
        {tableButton}
      </header>
      {isTable ? (
        <AreaTable title={title} times={times} series={series} />
      ) : (
        <AreaChart title={title} times={times} series={series} seconds={seconds} />
      )}
    </section>
  );
}

/** Whether frames arrive; when they do not, the stream is opened again by itself. */
function Connection({ live, isPaused }: { live: TrafficState; isPaused: boolean }) {
  const seconds = useSecondsTo(live.connection === 'waiting' ? live.retryAt : undefined);
  const isPartial = live.frames.at(-1)?.partial === true;
  return (
    <span className={text.row} role="status">
      {isPaused ? (
        <Chip icon={icons.Pause}>{t('traffic.paused')}</Chip>
      ) : live.connection === 'waiting' ? (
        <Chip tone="warn" icon={icons.WifiOff}>
          {t('traffic.waiting', { seconds })}
        </Chip>
      ) : (
        <span className={text.fold}>
          <Chip tone="mark" icon={icons.Activity}>
            {t(`traffic.${live.connection}`)}
          </Chip>
        </span>
      )}
      {isPartial && <Chip tone="warn">{t('traffic.partial')}</Chip>}
    </span>
  );
}

function useSecondsTo(moment: number | undefined): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (moment === undefined) return undefined;
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, [moment]);
  return Math.max(0, Math.ceil(((moment ?? now) - now) / 1_000));
}
