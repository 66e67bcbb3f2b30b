import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { words } from '../../../app/labels.ts';
import { format, labels, t } from '../../../app/language.ts';
import { useLiveChanges } from '../../../app/live.ts';
import { invalidate, listQuery } from '../../../contract/api.ts';
import { textAt, type Json } from '../../../contract/json.ts';
import { theContract } from '../../../contract/contract.ts';
import { Segments } from '../../../kit/form/segments.tsx';
import { nameOf } from '../../../kit/form/form-field.ts';
import { KeyName, Principal, Reference } from '../../../kit/record/names.tsx';
import { useNow } from '../../../kit/media.ts';
import { byDay, Day } from '../../../kit/record/timeline.tsx';
import timelineStyle from '../../../kit/record/timeline.module.css';
import { Button, Icon, icons, join, text, type IconType } from '../../../kit/ui.tsx';
import type { Item } from '../item.ts';
import style from '../record.module.css';
import { Composer } from './composer.tsx';
import { timelineOf } from './timeline-of.ts';

const kindIcons: Readonly<Record<string, IconType>> = {
  TASK: icons.CheckCheck,
  NOTE: icons.StickyNote,
  CALL: icons.Phone,
  MEETING: icons.CalendarDays,
  EMAIL: icons.Mail,
  DEAL: icons.SquareKanban,
  STAGE: icons.GitBranch,
  FILE: icons.FileText,
  ASSOCIATION: icons.Link,
  CHANGE: icons.Pencil,
};

/** What can be shown alone, and the kinds of entries that it has. */
const parts = ['NOTE', 'CALL', 'MEETING', 'EMAIL', 'TASK'];

/** Types of work, which is written elsewhere. */
const written = new Set(parts.map((part) => part.toLowerCase()));

/** What happened about the record, the latest first, with a place to write what happened just now. */
export function Activity({ item }: { item: Item }) {
  const [kind, setKind] = useState('');
  const list = timelineOf(item.resource) ?? '';
  const query = useInfiniteQuery(
    listQuery(
      { ...item.resource, list, items: 'entries' },
      { id: item.id, pageSize: 50, ...(kind !== '' && { kinds: [kind] }) },
    ),
  );
  useLiveChanges(({ type }) => void (written.has(type) && invalidate(item.resource.name)));
  const entries = query.data?.pages.flatMap(({ items }) => items) ?? [];
  return (
    <>
      {!item.isDeleted && <Composer item={item} />}
      <div className={style.kinds}>
        <Segments
          small
          label={t('timeline.filter')}
          value={kind}
          onChange={setKind}
          options={[
            { id: '', name: t('timeline.everything') },
            ...parts.map((id) => ({ id, name: labels.value('TimelineKind', id), icon: kindIcons[id], isIcon: true })),
          ]}
        />
      </div>
      {query.data && entries.length === 0 && <p className={join(style.nothing, text.two)}>{t('activity.none')}</p>}
      <ol className={timelineStyle.timeline}>
        {byDay(entries).map(([day, ofDay]) => [
          <Day key={day} moment={textAt(ofDay[0], 'time')} />,
          ...ofDay.map((entry) => (
            <Entry
              key={['kind', 'record.id', 'version', 'time'].map((field) => textAt(entry, field)).join(' ')}
              entry={entry}
              item={item}
            />
          )),
        ])}
      </ol>
      {query.hasNextPage && (
        <p className={style.load}>
          <Button onPress={() => void query.fetchNextPage()}>{t('timeline.more')}</Button>
        </p>
      )}
    </>
  );
}

function Entry({ entry, item }: { entry: Json; item: Item }) {
  const [kind, time] = [textAt(entry, 'kind'), textAt(entry, 'time')];
  const isCreation = kind === 'CHANGE' && entry.version === 1;
  const isAhead = Date.parse(time) > useNow().getTime();
  return (
    <li className={join(timelineStyle.entry, isAhead && style.ahead)}>
      <time className={timelineStyle.when} title={format.exactTime(time)}>
        {format.hour(new Date(time))}
      </time>
      <span className={join(timelineStyle.dot, style[`dot-${kind}`])}>
        <Icon of={kindIcons[kind] ?? icons.Pencil} />
      </span>
      <div className={timelineStyle.what}>
        <p>
          <span className={text.two}>
            {isCreation ? labels.value('ChangeOperation', 'CREATE') : labels.value('TimelineKind', kind)}
          </span>{' '}
          <Said entry={entry} item={item} />
        </p>
        {textAt(entry, 'actor') !== '' && (
          <p className={timelineStyle.who}>
            <Principal name={textAt(entry, 'actor')} />
          </p>
        )}
      </div>
    </li>
  );
}

/** The words of an entry, as a link to its record; for a change, the names of its fields. */
function Said({ entry, item }: { entry: Json; item: Item }) {
  const kind = textAt(entry, 'kind');
  const [type = '', id = '', summary = ''] = ['record.type', 'record.id', 'summary'].map((path) => textAt(entry, path));
  const resource = theContract().resources.find((each) => each.isRecord && each.singular === type);
  if (summary === '') return fieldNames(entry, item);
  const name = type === 'objectRecord' ? 'objectRecords' : resource?.name;
  if (kind === 'STAGE' || kind === 'ASSOCIATION')
    return <Linked entry={entry} resource={id === item.id ? undefined : name} />;
  if (!resource || id === item.id || resource.get === undefined) return <b className={text.strong}>{summary}</b>;
  return (
    <Link
      to="/$resource/$id"
      params={{ resource: resource.name, id }}
      className={join(type !== 'note' && text.strong, style.said)}
    >
      {summary}
    </Link>
  );
}

function fieldNames({ changedFields }: Json, { fieldOf, resource }: Item): string {
  const fields = (Array.isArray(changedFields) ? changedFields : []).map((name) => fieldOf(String(name)));
  const own = fields.filter(({ output }) => output !== true);
  return (own.length > 0 ? own : fields).map((field) => nameOf(field, resource.message)).join(', ');
}

/** The stage of a deal, or the type of an association, and the other record. */
function Linked({ entry, resource }: { entry: Json; resource: string | undefined }) {
  const summary = textAt(entry, 'summary');
  return (
    <>
      <b className={text.strong}>
        {textAt(entry, 'kind') === 'STAGE' ? <KeyName collection="pipelines" value={summary} /> : words(summary)}
      </b>{' '}
      {resource !== undefined && <Reference resource={resource} id={textAt(entry, 'record.id')} />}
    </>
  );
}
