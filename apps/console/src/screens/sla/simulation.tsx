import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { ProblemText } from '../../app/boundaries.tsx';
import { format, labels, language, t } from '../../app/language.ts';
import { call } from '../../contract/api.ts';
import { itemsAt, textAt, type Json } from '../../contract/json.ts';
import { Segments } from '../../kit/form/segments.tsx';
import { IconButton, icons, text } from '../../kit/ui.tsx';
import { leftText } from '../ticket/clock/sla-clock.ts';
import style from './sla.module.css';

const ranges = [7, 30, 90] as const;

/** What the saved policy would have made of the tickets of the last days. Nothing changes. */
export function Simulation({ policy, isEdited, onClose }: { policy: Json; isEdited: boolean; onClose: () => void }) {
  const [days, setDays] = useState('30');
  const [now] = useState(() => Date.now());
  const [id, etag] = [textAt(policy, 'id'), textAt(policy, 'etag')];
  const since = new Date(now - Number(days) * 86_400_000).toISOString();
  const body = { since, until: new Date(now).toISOString() };
  const { data, error, isPending } = useQuery({
    queryKey: ['slaPolicies', 'simulateSlaPolicy', id, etag, days],
    queryFn: ({ signal }) => call('simulateSlaPolicy', { id }, { body, signal }),
    staleTime: Infinity,
  });
  return (
    <section className={style.simulation} aria-label={t('sla.simulation')}>
      <header className={text.row}>
        <h2 className={text.grow}>{t('sla.simulation')}</h2>
        <IconButton small name={t('form.cancel')} icon={icons.X} onPress={onClose} />
      </header>
      <p className={text.two}>{t(isEdited ? 'sla.simulationSaved' : 'sla.simulationHelp')}</p>
      <Segments
        label={t('reports.range')}
        value={days}
        onChange={setDays}
        options={ranges.map((each) => ({ id: String(each), name: t('sla.days', { count: each }) }))}
      />
      {isPending && <p role="status">{t('sla.simulating')}</p>}
      {error && <ProblemText error={error} />}
      {data && <Outcome outcome={data} />}
    </section>
  );
}

/** Kept and broken promises by metric, and how long they took. */
function Outcome({ outcome }: { outcome: Json }) {
  const number = (of: Json, name: string) => Number(textAt(of, name) || 0);
  const time = (of: Json, name: string) => {
    const seconds = textAt(of, name);
    return seconds === '' ? '–' : leftText(Number(seconds), language);
  };
  return (
    <>
      <p className={text.figure}>{t('sla.simulated', { count: number(outcome, 'ticketCount') })}</p>
      {outcome.truncated === true && <p className={text.meta}>{t('sla.truncated')}</p>}
      <ul className={style.outcomes}>
        {itemsAt(outcome, 'outcomes').map((each) => {
          const [met, breached] = [number(each, 'met'), number(each, 'breached')];
          const share = met + breached === 0 ? undefined : met / (met + breached);
          return (
            <li key={textAt(each, 'metric')}>
              <span className={text.row}>
                <b className={text.strong}>{labels.value('SlaMetric', textAt(each, 'metric'))}</b>
                <span className={text.grow} />
                {breached > 0 && <span className={text.danger}>{t('sla.breaches', { count: breached })}</span>}
                <span className={style.share}>{share === undefined ? '–' : format.percent(share)}</span>
              </span>
              <span className={style.bar} aria-hidden>
                <span style={{ width: `${(share ?? 0) * 100}%` }} />
              </span>
              <span className={text.meta}>
                {t('sla.times', { median: time(each, 'medianSeconds'), p90: time(each, 'p90Seconds') })}
              </span>
            </li>
          );
        })}
      </ul>
    </>
  );
}
