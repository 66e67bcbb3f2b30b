import { format, t } from '../../app/language.ts';
import { Ticks } from '../../kit/ui.tsx';
import text from '../../style/text.module.css';
import { figuresOf, figuresOfFrame, lastSeconds, percentile } from './figures.ts';
import type { Frame } from './frames.ts';
import style from './traffic.module.css';

/** The figures of the range, the rate of the last three seconds. */
export function Strip({ frames }: { frames: readonly Frame[] }) {
  const all = figuresOf(frames);
  const now = figuresOf(lastSeconds(frames, 3));
  const peak = Math.max(...frames.map((frame) => rate(figuresOfFrame(frame))));
  const bounds = frames.at(-1)?.latencyBoundsMs ?? [];
  const reads = all.hits + all.misses;
  const latency = (share: number) => msText(percentile(all.latencies, bounds, share));
  return (
    <dl className={style.strip}>
      <Figure name={t('traffic.requests')} value={format.number(Math.round(rate(now)))} unit={t('traffic.perSecond')}>
        {t('traffic.peak', { rate: Math.round(peak) })}
      </Figure>
      <Figure name={t('traffic.median')} value={latency(0.5)} unit="ms">
        {t('traffic.ofRequests', { count: all.requests })}
      </Figure>
      <Figure name={t('traffic.p95')} value={latency(0.95)} unit="ms" />
      <Figure name={t('traffic.p99')} value={latency(0.99)} unit="ms" />
      <Figure name={t('traffic.cacheHits')} value={reads === 0 ? '–' : one((all.hits / reads) * 100)} unit="%">
        <Ticks label="" count={14} value={reads === 0 ? 0 : all.hits / reads} height={6} />{' '}
        {t('traffic.reads', { count: reads })}
      </Figure>
      <Figure
        name={t('traffic.failed')}
        value={all.requests === 0 ? '–' : ((all.failed / all.requests) * 100).toFixed(2)}
        unit="%"
      >
        {t('traffic.refusedCount', { count: all.refused })}
      </Figure>
    </dl>
  );
}

function Figure({ name, value, unit, children }: FigureProps) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <span className={text.figure}>{value}</span> <span className={text.meta}>{unit}</span>
      </dd>
      <dd className={text.micro}>{children}</dd>
    </div>
  );
}

interface FigureProps {
  name: string;
  value: string;
  unit: string;
  children?: React.ReactNode;
}

function rate({ requests, seconds }: { requests: number; seconds: number }): number {
  return seconds === 0 ? 0 : requests / seconds;
}

function one(value: number): string {
  return value.toFixed(1);
}

/** Three digits at most. */
export function msText(ms: number | undefined): string {
  if (ms === undefined) return '–';
  if (!Number.isFinite(ms)) return '> 12,000';
  return ms < 100 ? one(ms) : Math.round(ms).toLocaleString('en');
}
