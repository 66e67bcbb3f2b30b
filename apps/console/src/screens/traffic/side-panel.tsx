import { TriangleAlert } from 'lucide-react';
import { format, t } from '../../app/language.ts';
import { Chip, Ticks } from '../../kit/ui.tsx';
import text from '../../style/text.module.css';
import type { Budget, Frame } from './frames.ts';
import style from './traffic.module.css';

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
    <Chip tone="warn" icon={TriangleAlert}>
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
