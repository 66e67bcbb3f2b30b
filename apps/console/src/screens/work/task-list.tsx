import { Link } from '@tanstack/react-router';
import { t } from '../../app/language.ts';
import { useShortcut } from '../../app/shortcuts.ts';
import { theContract } from '../../contract/contract.ts';
import { isJson, itemsAt, textAt, type Json } from '../../contract/json.ts';
import { Check } from '../../kit/form/field.tsx';
import { useNow } from '../../kit/media.ts';
import { Menu, MenuItem } from '../../kit/overlay.tsx';
import { Reference } from '../../kit/record/names.tsx';
import { Chip, Icon, IconButton, icons, join, text } from '../../kit/ui.tsx';
import { labels } from '../../app/language.ts';
import { dueText, isOverdue, snoozeChoices, type TaskActs } from './tasks.ts';
import style from './work.module.css';

/** Tasks as lines: each can be completed, held back, and opened. @param about whether they name the records that they are about */
export function TaskList({ label, tasks, acts, about = true }: TaskListProps) {
  return (
    <ul aria-label={label} className={style.tasks}>
      {tasks.map((task) => (
        <TaskRow key={textAt(task, 'id')} task={task} acts={acts} about={about} />
      ))}
    </ul>
  );
}

interface TaskListProps {
  label: string;
  tasks: readonly Json[];
  acts: TaskActs;
  about?: boolean;
}

function TaskRow({ task, acts, about }: { task: Json; acts: TaskActs; about: boolean }) {
  const id = textAt(task, 'id');
  const subject = textAt(task, 'subject');
  const isLeaving = acts.leaving.has(id);
  const priority = textAt(task, 'priority');
  return (
    <li className={join(style.task, isLeaving && style.leaving)} data-row={id}>
      <Check
        label={t('work.complete', { subject })}
        isHiddenLabel
        isSelected={isLeaving}
        onChange={() => acts.complete(task)}
      />
      <span className={join(text.row, style.what)}>
        <Link to="/$resource/$id" params={{ resource: 'tasks', id }} className={join(text.cut, style.subject)}>
          {subject}
        </Link>
        {isJson(task.recurrence) && (
          <span className={text.faint} role="img" aria-label={t('work.recurs')} title={textAt(task, 'recurrence.rule')}>
            <Icon of={icons.Repeat2} small />
          </span>
        )}
        {(priority === 'HIGH' || priority === 'URGENT') && (
          <Chip tone={priority === 'URGENT' ? 'danger' : 'warn'}>{labels.value('TaskPriority', priority)}</Chip>
        )}
      </span>
      {about && <About task={task} />}
      <Due task={task} />
      <SnoozeMenu task={task} acts={acts} />
      {acts.fault?.id === id && (
        <p role="alert" className={style.fault}>
          <Icon of={icons.TriangleAlert} small /> {acts.fault.said}
        </p>
      )}
    </li>
  );
}

/** The first record that a task is about. */
function About({ task }: { task: Json }) {
  const [first] = itemsAt(task, 'related');
  const type = textAt(first, 'type');
  const resource = theContract().recordType(type);
  return (
    <span className={join(style.about, text.meta)}>
      {resource && <Reference resource={resource.name} id={textAt(first, 'id')} />}
    </span>
  );
}

function Due({ task }: { task: Json }) {
  const now = useNow();
  const isLate = isOverdue(task, now);
  return (
    <span className={join(style.due, isLate && text.danger)}>
      {isLate && <Icon of={icons.TriangleAlert} small />}
      {dueText(task, now)}
    </span>
  );
}

function SnoozeMenu({ task, acts }: { task: Json; acts: TaskActs }) {
  const name = t('work.snooze', { subject: textAt(task, 'subject') });
  return (
    <span data-snooze className={style.snooze}>
      <Menu label={name} button={<IconButton small name={name} icon={icons.AlarmClock} shortcut="S" />}>
        {[
          // oxlint-disable-next-line react/purity -- of the time at which it is shown
          ...snoozeChoices(new Date()).map(({ id, name: choice, until }) => (
            <MenuItem key={id} id={id} icon={icons.AlarmClock} onAction={() => leave(() => acts.snooze(task, until))}>
              {choice}
            </MenuItem>
          )),
          isJson(task.recurrence) ? (
            <MenuItem key="skip" id="skip" icon={icons.SkipForward} onAction={() => leave(() => acts.skip(task))}>
              {t('work.skip')}
            </MenuItem>
          ) : null,
        ]}
      </Menu>
    </span>
  );
}

/** Keys of the lines: J, K and arrows go from one to the next, X and Space complete the current one, S holds it back. */
export function useTaskKeys(tasks: readonly Json[], acts: TaskActs): void {
  const current = () => {
    const id = currentRow()?.dataset.row;
    return tasks.find((task) => task.id === id);
  };
  const complete = () => {
    const task = current();
    if (task) leave(() => acts.complete(task));
  };
  useShortcut('j', 'list.key.next', () => step(1));
  useShortcut('k', 'list.key.previous', () => step(-1));
  useShortcut('arrowdown', 'list.key.next', () => step(1));
  useShortcut('arrowup', 'list.key.previous', () => step(-1));
  useShortcut('x', 'work.key.complete', complete, tasks.length > 0);
  useShortcut(' ', 'work.key.complete', complete, tasks.length > 0);
  useShortcut(
    's',
    'work.key.snooze',
    () => currentRow()?.querySelector<HTMLElement>('[data-snooze] button')?.click(),
    tasks.length > 0,
  );
}

function rows(): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>('[data-row]')];
}

function currentRow(): HTMLElement | undefined {
  return document.activeElement?.closest<HTMLElement>('[data-row]') ?? undefined;
}

function step(by: 1 | -1): void {
  const all = rows();
  const row = currentRow();
  const next = row ? all[all.indexOf(row) + by] : all.at(by > 0 ? 0 : -1);
  next?.querySelector('a')?.focus();
}

/** Does what takes the current line out of the list; the focus goes to the line that stays beside it. */
function leave(act: () => void): void {
  const all = rows();
  const at = all.findIndex((row) => row === currentRow());
  (all[at + 1] ?? all[at - 1])?.querySelector('a')?.focus();
  act();
}
