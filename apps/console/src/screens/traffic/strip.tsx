import { format, t } from '../../app/language.ts';
import { Chip, icons, text, Ticks } from '../../kit/ui.tsx';
import { figuresOf, figuresOfFrame, lastSeconds, percentile, type Budget, type Frame } from './figures.ts';
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
      <dt className={text.meta}>{name}</dt>
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

/** Limits, breakers and change logs as of the last frame, in words. */
export function SidePanel({ frame }: { frame: Frame }) {
  const { services, budgets } = frame;
  const logs = services.filter(({ changeLog }) => changeLog !== undefined);
  return (
    <aside className={style.side}>
      <section>
        <header className={style.head}>
          <h2>{t('traffic.limits')}</h2>
          <span className={text.grow} />
          <span className={text.meta}>{t('traffic.usedOfBudget')}</span>
        </header>
        {budgets?.workspace && <Limit name={t('traffic.workspaceBudget')} budget={budgets.workspace} />}
        {budgets?.key && <Limit name={t('traffic.ownBudget')} budget={budgets.key} />}
      </section>
      <section>
        <h2 className={style.head}>{t('traffic.breakers')}</h2>
        <ul>
          {services.map(({ service, breaker }) => (
            <li key={service} className={style.state}>
              <span className={text.grow}>{service}</span>
              <State isFine={breaker === 'CLOSED'} name={t(`traffic.breaker.${breaker}`)} />
            </li>
          ))}
        </ul>
        {services.some(({ breaker }) => breaker !== 'CLOSED') && (
          <p className={text.meta}>{t('traffic.breakerHelp')}</p>
        )}
      </section>
      <section>
        <h2 className={style.head}>{t('traffic.feed')}</h2>
        <ul>
          {logs.map(({ service, changeLog = 'CURRENT' }) => (
            <li key={service} className={style.state}>
              <span className={text.grow}>{service}</span>
              <State isFine={changeLog === 'CURRENT'} name={t(`traffic.log.${changeLog}`)} />
            </li>
          ))}
        </ul>
        {logs.some(({ changeLog }) => changeLog === 'DELAYED') && <p className={text.meta}>{t('traffic.feedHelp')}</p>}
      </section>
    </aside>
  );
}

function State({ isFine, name }: { isFine: boolean; name: string }) {
  if (isFine) return <span className={text.two}>{name}</span>;
  return (
    <Chip tone="warn" icon={icons.TriangleAlert}>
      {name}
    </Chip>
  );
}

function Limit({ name, budget }: { name: string; budget: Budget }) {
  const used = budget.units - budget.unitsLeft;
  const share = budget.units === 0 ? 0 : used / budget.units;
  const tone = share >= 1 ? 'danger' : share > 0.8 ? 'warn' : 'accent';
  return (
    <div className={style.limit}>
      <span className={text.row}>
        <span className={text.grow}>{name}</span>
        <span className={text.meta} data-tone={tone}>
          {t('traffic.used', { used: format.number(used), units: format.number(budget.units) })}
        </span>
      </span>
      <Ticks label={format.percent(share)} count={60} value={share} tone={tone} height={6} />
      <span className={text.micro}>{t('traffic.reset', { seconds: budget.resetSeconds })}</span>
    </div>
  );
}
