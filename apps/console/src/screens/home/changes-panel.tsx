import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useRef } from 'react';
import { Diff } from '../../kit/record/diff.tsx';
import { titleOf } from '../../hints/hints.ts';
import { shortId, usePeople, type Person } from '../../kit/record/names.tsx';
import { format, labels, t } from '../../app/language.ts';
import { useLiveChanges, useLiveState } from '../../app/live.ts';
import { theContract, type Field, type Resource } from '../../contract/contract.ts';
import { invalidate, readQuery } from '../../contract/api.ts';
import { itemsAt, textAt, valueAt, type Json } from '../../contract/json.ts';
import { Face, join, text, Ticks } from '../../kit/ui.tsx';
import { Panel } from '../../kit/panel.tsx';
import style from './home.module.css';

/** The latest entries of the log, with their positions; a new one appears by itself. */
export function ChangesPanel() {
  const state = useLiveState();
  const people = usePeople();
  const { data } = useQuery(readQuery('listAuditEntries', { pageSize: 8, kind: 'CHANGE' }));
  const isWaiting = useRef(false);
  useLiveChanges(() => {
    if (isWaiting.current) return;
    isWaiting.current = true;
    // The entry follows its changes; many changes are one entry.
    setTimeout(() => {
      isWaiting.current = false;
      void invalidate('auditEntries');
    }, 1_000);
  });
  return (
    <Panel
      className={style.changes}
      title={t('home.changes')}
      end={
        <>
          <span className={join(text.row, text.micro)}>
            <Ticks label="" count={5} value={state === 'live' ? 1 : 0.4} tone={state === 'lost' ? 'warn' : 'accent'} />
            {t(`home.live.${state}`)}
          </span>
          <Link to="/$resource" params={{ resource: 'auditEntries' }} className={text.link}>
            {t('home.changeLog')}
          </Link>
        </>
      }
    >
      <ul className={style.ledger}>
        {itemsAt(data, 'entries').map((entry) => (
          <Entry key={textAt(entry, 'number')} entry={entry} people={people} />
        ))}
      </ul>
    </Panel>
  );
}

function Entry({ entry, people }: { entry: Json; people: ReadonlyMap<string, Person> }) {
  const [kind = '', id = ''] = textAt(entry, 'actor').split(':');
  const isPerson = kind === 'user';
  const actor =
    people.get(id)?.name ?? t(isPerson ? 'home.aPerson' : kind === 'apiKey' ? 'home.anApiKey' : 'home.thePlatform');
  const position = Number(valueAt(entry, 'detail.lastPosition') ?? 0);
  return (
    <li>
      <span className={text.micro}>{format.number(position)}</span>
      <Face name={isPerson ? actor : kind} shape={isPerson ? 'person' : 'machine'} />
      <EntryText entry={entry} />
      <span className={text.meta}>
        <span className={text.desk}>
          {actor}
          {textAt(entry, 'origin') !== 'api' && `, ${labels.value('Origin', textAt(entry, 'origin'))}`},{' '}
        </span>
        <time title={format.exactTime(textAt(entry, 'time'))}>{format.time(textAt(entry, 'time'))}</time>
      </span>
    </li>
  );
}

/** The first record of an entry that has a page of its own, and how many more there are. */
function EntryText({ entry }: { entry: Json }) {
  const records = itemsAt(entry, 'records').flatMap((record) => {
    const [type = '', id = ''] = textAt(record, 'name').split('/');
    const resource = theContract().resources.find(
      (each) => each.singular.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`) === type,
    );
    return resource?.get !== undefined && !resource.name.includes('{') && resource.update !== undefined
      ? [{ record, id, resource }]
      : [];
  });
  const [first] = records;
  if (!first) return <span className={text.cut}>{t('home.records', { count: Number(entry.recordCount) })}</span>;
  const { record, id, resource } = first;
  const count = Number(entry.recordCount);
  const operation = t(`home.did.${textAt(record, 'operation')}`);
  if (records.length > 1)
    return (
      <span className={text.cut}>
        <b>{labels.resource(resource.name)}</b> <span className={text.two}>{operation}</span>{' '}
        {t('home.records', { count })}
      </span>
    );
  return <RecordChange id={id} resource={resource} record={record} operation={operation} />;
}

function RecordChange({ id, resource, record, operation }: RecordChangeProps) {
  const { data: current } = useQuery({ ...readQuery(resource.get ?? '', { id }), retry: false });
  const isUpdate = textAt(record, 'operation') === 'UPDATE';
  const { data: history } = useQuery({
    ...readQuery(resource.history ?? '', { id, pageSize: 20 }),
    enabled: isUpdate && resource.history !== undefined,
  });
  const change = isUpdate ? itemsAt(history, 'changes').find(({ version }) => version === record.version) : undefined;
  const title = titleOf(current, resource) || shortId(id);
  return (
    <span className={text.cut}>
      <Link to="/$resource/$id" params={{ resource: resource.name, id }}>
        <b>{title}</b>
      </Link>{' '}
      {change ? <Fields change={change} message={resource.message} /> : <span className={text.two}>{operation}</span>}
    </span>
  );
}

interface RecordChangeProps {
  id: string;
  resource: Resource;
  record: Json;
  operation: string;
}

/** The changed fields that people set: struck the old value, marked the new one. */
function Fields({ change, message }: { change: Json; message: string }) {
  const names = Array.isArray(change.changedFields) ? change.changedFields.map(String) : [];
  const fields = names
    .map((name) => theContract().field(message, name))
    .filter((field): field is Field => field !== undefined && field.output !== true && field.reference === undefined);
  return fields.slice(0, 2).map((field) => (
    <span key={field.name}>
      <span className={text.two}>{labels.field(message, field.name)}</span>{' '}
      <Diff
        field={field}
        before={valueAt(change, `before.${field.name}`)}
        after={valueAt(change, `after.${field.name}`)}
      />
    </span>
  ));
}
