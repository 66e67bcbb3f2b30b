import type { ReactNode } from 'react';
import { find, format, labels, locale, t } from '../../app/language.ts';
import { isJson, textAt, type Json } from '../../contract/json.ts';
import { Icon, IconButton, icons, join, text, type IconType } from '../ui.tsx';
import { nameOf, type FormField } from '../form/form-field.ts';
import { Principal } from './names.tsx';
import { changesOf, Diff, type FieldChange } from './diff.tsx';
import style from './timeline.module.css';

const operationIcons: Readonly<Record<string, IconType>> = {
  CREATE: icons.Plus,
  UPDATE: icons.Pencil,
  DELETE: icons.Trash,
  UNDELETE: icons.RotateCcw,
  MERGE: icons.Merge,
};

/** Changes of a record as a ledger, the latest first. */
export function Timeline({ changes, fieldOf, message, onRestore, onGo, current }: TimelineProps) {
  const days = byDay(changes);
  return (
    <ol className={style.timeline}>
      {days.map(([day, ofDay]) => [
        <Day key={day} moment={textAt(ofDay[0], 'time')} />,
        ...ofDay.map((change) => (
          <Entry
            key={textAt(change, 'id')}
            change={change}
            fieldOf={fieldOf}
            message={message}
            onRestore={onRestore}
            onGo={onGo}
            isCurrent={textAt(change, 'id') === current}
          />
        )),
      ])}
    </ol>
  );
}

interface TimelineProps {
  changes: readonly Json[];
  /** The field of a record by its name, such as `jobTitle` or `customFields.plan`. */
  fieldOf: (name: string) => FormField;
  /** Message of the record. */
  message: string;
  /** Sets a field to the value that it had; undefined where nothing can be changed. */
  onRestore: ((change: FieldChange) => void) | undefined;
  /** Shows the record as of a change. */
  onGo?: (change: Json) => void;
  /** Id of the change as of which the record is shown. */
  current?: string;
}

function Entry({
  change,
  fieldOf,
  message,
  onRestore,
  onGo,
  isCurrent,
}: Omit<TimelineProps, 'changes' | 'current'> & { change: Json; isCurrent: boolean }) {
  const operation = textAt(change, 'operation');
  const origin = textAt(change, 'origin');
  const when = (
    <>
      <time title={format.exactTime(textAt(change, 'time'))}>{format.hour(new Date(textAt(change, 'time')))}</time>
      <small title={textAt(change, 'cursor')}>{t('timeline.version', { version: textAt(change, 'version') })}</small>
    </>
  );
  return (
    <li className={join(style.entry, isCurrent && style.current)}>
      {onGo ? (
        <button type="button" className={style.when} onClick={() => onGo(change)} title={t('timeline.go')}>
          {when}
        </button>
      ) : (
        <span className={style.when}>{when}</span>
      )}
      <span className={join(style.dot, origin !== 'api' && origin !== 'console' && style.machine)}>
        <Icon of={operationIcons[operation] ?? icons.Bot} />
      </span>
      <div className={style.what}>
        <Said
          operation={operation}
          message={message}
          changes={operation === 'UPDATE' ? fieldChanges(change, fieldOf) : []}
          onRestore={onRestore}
        />
        <p className={style.who}>
          <Principal name={textAt(change, 'actor')} />
          {origin !== '' && <span className={text.faint}>{find(`origin.${origin}`) ?? origin}</span>}
        </p>
      </div>
    </li>
  );
}

interface SaidProps {
  operation: string;
  message: string;
  changes: FieldChange[];
  onRestore: TimelineProps['onRestore'];
}

function Said({ operation, message, changes, onRestore }: SaidProps) {
  if (operation !== 'UPDATE') return <p className={text.strong}>{labels.value('ChangeOperation', operation)}</p>;
  return (
    <ul>
      {changes.map((change) => (
        <li key={change.field.name} className={style.change}>
          <b className={text.strong}>{nameOf(change.field, message)}</b> <Diff {...change} />
          {onRestore && change.field.output !== true && (
            <span className={style.restore}>
              <IconButton small name={t('timeline.restore')} icon={icons.Undo2} onPress={() => onRestore(change)} />
            </span>
          )}
        </li>
      ))}
    </ul>
  );
}

function fieldChanges(change: Json, fieldOf: (name: string) => FormField): FieldChange[] {
  const names = Array.isArray(change.changedFields) ? change.changedFields.map(String) : [];
  const [before, after] = [change.before, change.after].map((side) => (isJson(side) ? side : {}));
  const all = changesOf(names, before ?? {}, after ?? {}, fieldOf);
  // What the server derives from the others says nothing more, unless it is all there is.
  const own = all.filter(({ field }) => field.output !== true);
  return own.length > 0 ? own : all;
}

export function Day({ moment }: { moment: string }): ReactNode {
  const date = new Date(moment);
  const form = new Intl.DateTimeFormat(locale, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });
  return <li className={style.day}>{form.format(date)}</li>;
}

export function byDay(changes: readonly Json[]): [string, Json[]][] {
  const days = new Map<string, Json[]>();
  for (const change of changes) {
    const day = new Date(textAt(change, 'time')).toDateString();
    days.set(day, [...(days.get(day) ?? []), change]);
  }
  return [...days];
}
