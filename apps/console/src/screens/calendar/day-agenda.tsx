import { Link, useNavigate } from '@tanstack/react-router';
import { t } from '../../app/language.ts';
import { text } from '../../kit/ui.tsx';
import workStyle from '../work/work.module.css';
import { addDays, today } from '../home/home-data.ts';
import { placeOn, useEntries } from './entries.ts';
import { AllDay, TimeGrid } from './time-grid.tsx';

/** Today as a column of hours, from the working day to whatever is earlier or later. */
export function DayAgenda() {
  const navigate = useNavigate();
  const day = today();
  const entries = useEntries(day, addDays(day, 1), true).entries.filter(({ kind, days }) => kind !== 'tasks' || !days);
  const placed = placeOn(day, entries);
  const first = Math.min(8, ...placed.map(({ from }) => Math.floor(from / 60)));
  const last = Math.max(18, ...placed.map(({ to }) => Math.ceil(to / 60)));
  const open = (kind: string, id: string) => void navigate({ to: '/$resource/$id', params: { resource: kind, id } });
  return (
    <section aria-label={t('work.agenda')} className={workStyle.agenda}>
      <h2 className={workStyle.group}>
        {t('work.agenda')}
        <Link to="/calendar" className={text.link}>
          {t('work.week')}
        </Link>
      </h2>
      {entries.some(({ days }) => days) && (
        <AllDay days={[day]} entries={entries} onOpen={({ kind, id }) => open(kind, id)} />
      )}
      <TimeGrid
        days={[day]}
        entries={entries}
        hours={[first, last]}
        blockProps={({ kind, id }) => ({ onClick: () => open(kind, id) })}
      />
    </section>
  );
}
