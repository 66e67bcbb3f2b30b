import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Plus, TriangleAlert } from 'lucide-react';
import { useRef, useState } from 'react';
import { zone } from '../../app/format.ts';
import { format, labels, language, t } from '../../app/language.ts';
import { useSession } from '../../app/session.ts';
import { useShortcut } from '../../app/shortcuts.ts';
import { Bar, Scroll } from '../../app/shell/shell.tsx';
import { call, invalidate, itemsAt, Problem, readQuery, textAt, valueAt, type Json } from '../../contract/api.ts';
import { titleOf } from '../../hints/hints.ts';
import { useNow } from '../../kit/media.ts';
import { Nothing } from '../../kit/nothing.tsx';
import { useRecord } from '../../kit/record/names.tsx';
import { isMoney } from '../../kit/record/value.tsx';
import { notify } from '../../kit/toast.tsx';
import { Chip, Icon, join, Key, Skeleton } from '../../kit/ui.tsx';
import text from '../../style/text.module.css';
import { DayAgenda } from '../calendar/day-agenda.tsx';
import { dayName } from '../calendar/time-grid.tsx';
import { addDays, daysBetween, dayOf, dayText, momentOf, today } from '../home/home-data.ts';
import { dueOf, taskOf, type DayWords } from './quick-add.ts';
import { TaskList, useTaskKeys } from './task-list.tsx';
import { openTasks, useTaskActs, whenOf, type When } from './tasks.ts';
import style from './work.module.css';

const order: readonly When[] = ['overdue', 'today', 'next', 'snoozed'];

/** What the person has to do: tasks by when they are due, the meetings of the day, and deals that need a step. */
export function MyDay() {
  const { user } = useSession();
  const now = useNow();
  const until = momentOf(addDays(today(), 8)).toISOString();
  const filter = `ownerId = ${user.id} AND ${openTasks} AND deadline <= "${until}"`;
  const { data } = useQuery(readQuery('listTasks', { filter, orderBy: 'deadline', pageSize: 100 }));
  const acts = useTaskActs();
  const tasks = itemsAt(data, 'tasks');
  const groups = order.map((when) => ({ when, tasks: tasks.filter((task) => whenOf(task, now) === when) }));
  const shown = groups.flatMap((group) => group.tasks);
  useTaskKeys(shown, acts);
  return (
    <>
      <Bar title={t('nav.myDay')} beside={dayName(dayOf(now))}>
        <span className={join(style.hints, text.meta)}>
          <Key>J</Key> <Key>K</Key> <Key>X</Key> {t('work.key.complete')} <Key>S</Key> {t('work.key.snooze')}
        </span>
      </Bar>
      <Scroll>
        <div className={style.day}>
          <section className={style.todo} aria-label={t('resource.tasks')}>
            <QuickAdd />
            {!data && <Waiting />}
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
            <MyDeals userId={user.id} />
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

/** A task in one line, whose last words say when. What they mean is shown while they are typed. */
function QuickAdd() {
  const [line, setLine] = useState('');
  const [fault, setFault] = useState('');
  const input = useRef<HTMLInputElement>(null);
  const { user } = useSession();
  useShortcut('n', 'work.add', () => input.current?.focus());
  const task = taskOf(line, today(), dayWords());
  const save = async () => {
    if (task.subject === '') return;
    const body = { subject: task.subject, ownerId: user.id, priority: task.priority, ...dueOf(task, zone) };
    setLine('');
    setFault('');
    try {
      const made = await call('createTask', {}, { body });
      const undo = () => call('deleteTask', { id: made.id }, { ifMatch: textAt(made, 'etag') });
      notify(t('work.added', { subject: task.subject }), () => undo().then(() => invalidate('tasks')));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      setLine(line);
      setFault(error.message);
    }
    await invalidate('tasks');
  };
  const hour = task.minutes === undefined ? [] : [format.hour(momentOf(task.day, task.minutes))];
  return (
    <form
      className={style.add}
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <Icon of={Plus} />
      <input
        ref={input}
        value={line}
        aria-label={t('work.add')}
        aria-describedby="add-help"
        onChange={({ target }) => setLine(target.value)}
        onKeyDown={({ key, currentTarget }) => key === 'Escape' && currentTarget.blur()}
      />
      {line === '' && (
        <span className={join(text.faint, style.example)} aria-hidden>
          {t('work.add')}
        </span>
      )}
      {line.trim() === '' ? (
        <span id="add-help" className={join(text.meta, style.help)}>
          {t('work.addHelp')} <Key>N</Key>
        </span>
      ) : (
        <span id="add-help" className={text.row} role="status">
          {task.priority && <Chip tone="warn">{labels.value('TaskPriority', task.priority)}</Chip>}
          <Chip tone="mark">{[format.weekday(task.day), ...hour].join(', ')}</Chip>
          <Key>↵</Key>
        </span>
      )}
      {fault !== '' && (
        <p role="alert" className={style.fault}>
          <Icon of={TriangleAlert} small /> {fault}
        </p>
      )}
    </form>
  );
}

/** The words for days in the language of the reader. */
function dayWords(): DayWords {
  const names = (weekday: 'short' | 'long') => {
    const form = new Intl.DateTimeFormat(language, { timeZone: 'UTC', weekday });
    return Array.from({ length: 7 }, (_, day) => form.format(new Date(Date.UTC(2024, 0, 1 + day))));
  };
  const long = names('long');
  return {
    today: t('work.word.today'),
    tomorrow: t('work.word.tomorrow'),
    weekdays: names('short').map((short, day) => [short, long[day] ?? short]),
  };
}

/** The person's open deals that are too long in their stage, or past their close date. */
function MyDeals({ userId }: { userId: string }) {
  const day = today();
  const late = `(rotTime < "${momentOf(day).toISOString()}" OR closeDate < ${dayText(day)})`;
  const filter = `status = OPEN AND ownerId = ${userId} AND ${late}`;
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
          <Chip tone="warn" icon={TriangleAlert}>
            {rotten > 0 ? t('work.rotting', { days: rotten }) : t('work.pastClose', { days: past })}
          </Chip>
        </span>
      </Link>
    </li>
  );
}
