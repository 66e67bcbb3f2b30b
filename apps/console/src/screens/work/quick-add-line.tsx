import { useRef, useState } from 'react';
import { zone } from '../../app/format.ts';
import { sentenceOf } from '../../app/boundaries.tsx';
import { format, labels, locale, t } from '../../app/language.ts';
import { useSession } from '../../app/session.ts';
import { keyText, useShortcut } from '../../app/shortcuts.ts';
import { call, invalidate, Problem } from '../../contract/api.ts';
import { textAt, type Json } from '../../contract/json.ts';
import { notify } from '../../kit/notices.ts';
import { Chip, Icon, icons, join, Key, text } from '../../kit/ui.tsx';
import { momentOf, today } from '../home/home-data.ts';
import { dueOf, taskOf, type DayWords } from './quick-add.ts';
import style from './work.module.css';

/** A task in one line, whose last words say when. What they mean is shown while they are typed. @param related what it is about */
export function QuickAdd({ related = [], keys = 'n' }: { related?: readonly Json[]; keys?: string }) {
  const [line, setLine] = useState('');
  const [fault, setFault] = useState('');
  const input = useRef<HTMLInputElement>(null);
  const { user } = useSession();
  useShortcut(keys, 'work.add', () => input.current?.focus());
  const task = taskOf(line, today(), dayWords());
  const save = async () => {
    if (task.subject === '') return;
    const body = { subject: task.subject, ownerId: user.id, priority: task.priority, related, ...dueOf(task, zone) };
    setLine('');
    setFault('');
    try {
      const made = await call('createTask', {}, { body });
      const undo = () => call('deleteTask', { id: made.id }, { ifMatch: textAt(made, 'etag') });
      notify(t('work.added', { subject: task.subject }), () => undo().then(() => invalidate('tasks')));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      // What was typed since stays.
      setLine((since) => [line, since].filter((part) => part !== '').join(' '));
      setFault(sentenceOf(error));
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
      <Icon of={icons.Plus} />
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
        <span id="add-help" className={join(text.meta, text.desk)}>
          {t('work.addHelp')} <Key>{keyText(keys)}</Key>
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
          <Icon of={icons.TriangleAlert} small /> {fault}
        </p>
      )}
    </form>
  );
}

/** The words for days in the language of the reader. */
function dayWords(): DayWords {
  const names = (weekday: 'short' | 'long') => {
    const form = new Intl.DateTimeFormat(locale, { timeZone: 'UTC', weekday });
    return Array.from({ length: 7 }, (_, day) => form.format(new Date(Date.UTC(2024, 0, 1 + day))));
  };
  const long = names('long');
  return {
    today: t('work.word.today'),
    tomorrow: t('work.word.tomorrow'),
    weekdays: names('short').map((short, day) => [short, long[day] ?? short]),
  };
}
