import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { ProblemNote } from '../../app/boundaries.tsx';
import { format, labels, t } from '../../app/language.ts';
import { useMay } from '../../app/resource.ts';
import { Bar, Scroll } from '../../app/shell/shell.tsx';
import { readQuery } from '../../contract/api.ts';
import { itemsAt, textAt, valueAt, type Json } from '../../contract/json.ts';
import { wholeQuery } from '../../contract/whole-list.ts';
import { titleOf } from '../../hints/hints.ts';
import { useNow } from '../../kit/media.ts';
import { Nothing } from '../../kit/nothing.tsx';
import { useRecord } from '../../kit/record/names.tsx';
import { isMoney } from '../../kit/record/value.tsx';
import { Chip, icons, join, Key, Skeleton, text } from '../../kit/ui.tsx';
import { DayAgenda } from '../calendar/day-agenda.tsx';
import { dayName } from '../calendar/time-grid.tsx';
import { addDays, daysBetween, dayOf, dayText, momentOf, today } from '../home/home-data.ts';
import { QuickAdd } from './quick-add-line.tsx';
import { TaskList, useTaskKeys } from './task-list.tsx';
import { openTasks, useTaskActs, whenOf, type When } from './tasks.ts';
import style from './work.module.css';

const order: readonly When[] = ['overdue', 'today', 'next', 'snoozed'];

/** What the person has to do: tasks by when they are due, the meetings of the day, and deals that need a step. */
export function MyDay() {
  const now = useNow();
  const until = momentOf(addDays(today(), 8)).toISOString();
  const filter = `ownerId = me AND ${openTasks} AND deadline <= "${until}"`;
  const may = useMay();
  const { data, error } = useQuery(wholeQuery('listTasks', 'tasks', { filter, orderBy: 'deadline' }));
  const acts = useTaskActs();
  const tasks = itemsAt(data, 'tasks');
  const groups = order.map((when) => ({ when, tasks: tasks.filter((task) => whenOf(task, now) === when) }));
  const shown = groups.flatMap((group) => group.tasks);
  useTaskKeys(shown, acts);
  return (
    <>
      <Bar title={t('nav.myDay')} beside={dayName(dayOf(now))}>
        <span className={join(text.row, text.meta, text.desk)}>
          <Key>J</Key> <Key>K</Key> <Key>X</Key> {t('work.key.complete')} <Key>S</Key> {t('work.key.snooze')}
        </span>
      </Bar>
      <Scroll>
        <div className={style.day}>
          <section className={style.todo} aria-label={labels.resource('tasks')}>
            {may('createTask') && <QuickAdd />}
            <ProblemNote error={error} />
            {!data && !error && <Waiting />}
            {data && tasks.length === 0 && (
              <Nothing
                title={t('work.nothing')}
                help={t('work.nothingHelp')}
                curl={`curl ${location.origin}/v1/tasks -H "Authorization: Bearer $KEY" -d '{"subject":"Call Ada","dueDate":"${dayText(today())}"}'`}
              />
            )}
            {groups
              .filter((group) => group.tasks.length > 0)
              .map((group) => (
                <section key={group.when}>
                  <h2 className={join(style.group, style[group.when])}>
                    {t(`work.${group.when}`)} <span>{format.number(group.tasks.length)}</span>
                  </h2>
                  <TaskList label={t(`work.${group.when}`)} tasks={group.tasks} acts={acts} />
                </section>
              ))}
          </section>
          <aside className={style.side}>
            <DayAgenda />
            {may('listDeals') && <MyDeals />}
          </aside>
        </div>
      </Scroll>
    </>
  );
}

/** In place of tasks that are not read yet. */
function Waiting() {
  return [34, 28, 40, 22].map((width) => (
    <p key={width} className={style.waiting}>
      <Skeleton width={width} />
    </p>
  ));
}

/** The person's open deals that are too long in their stage, or past their close date. */
function MyDeals() {
  const day = today();
  const late = `(rotTime < "${momentOf(day).toISOString()}" OR closeDate < ${dayText(day)})`;
  const filter = `status = OPEN AND ownerId = me AND ${late}`;
  const { data } = useQuery(readQuery('listDeals', { filter, orderBy: 'closeDate', pageSize: 8 }));
  const deals = itemsAt(data, 'deals');
  return (
    <section aria-label={t('work.deals')}>
      <h2 className={style.group}>
        {t('work.deals')} <span>{format.number(deals.length)}</span>
      </h2>
      {data && deals.length === 0 && <p className={style.calm}>{t('work.noDeals')}</p>}
      <ul>
        {deals.map((deal) => (
          <LateDeal key={textAt(deal, 'id')} deal={deal} day={day} />
        ))}
      </ul>
    </section>
  );
}

function LateDeal({ deal, day }: { deal: Json; day: Date }) {
  const company = titleOf(useRecord('customers', textAt(deal, 'customerId')));
  const amount = valueAt(deal, 'amount');
  const rot = textAt(deal, 'rotTime');
  const rotten = rot === '' ? 0 : daysBetween(dayOf(new Date(rot)), day);
  const past = daysBetween(new Date(`${textAt(deal, 'closeDate')}T00:00:00Z`), day);
  return (
    <li>
      <Link to="/$resource/$id" params={{ resource: 'deals', id: textAt(deal, 'id') }} className={style.deal}>
        <span className={text.row}>
          <b className={join(text.cut, text.grow)}>{textAt(deal, 'title')}</b>
          {isMoney(amount) && <span className={text.number}>{format.money(amount)}</span>}
        </span>
        <span className={text.row}>
          <span className={join(text.cut, text.grow, text.meta)}>{company}</span>
          <Chip tone="warn" icon={icons.TriangleAlert}>
            {rotten > 0 ? t('work.rotting', { days: rotten }) : t('work.pastClose', { days: past })}
          </Chip>
        </span>
      </Link>
    </li>
  );
}
