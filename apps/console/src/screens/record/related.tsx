import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { itemParameters, pathOf } from '../../app/resource.ts';
import { labels, t } from '../../app/language.ts';
import { theContract, type Field, type Resource } from '../../contract/contract.ts';
import { readQuery } from '../../contract/api.ts';
import { isJson, itemsAt, textAt, type Json } from '../../contract/json.ts';
import { hintsOf } from '../../hints/hints.ts';
import { Chip, text } from '../../kit/ui.tsx';
import { OperationDialog } from '../operation/operation-dialog.tsx';
import { CustomerCard } from '../ticket/customer-card.tsx';
import { TaskList } from '../work/task-list.tsx';
import { openTasks, useTaskActs } from '../work/tasks.ts';
import { Associations } from './associations.tsx';
import { Files } from './files.tsx';
import type { Item } from './item.ts';
import { MailService } from './mail-service.tsx';
import { Panel, RowText } from './panel.tsx';
import { Splits } from './sale/splits.tsx';
import { timelineOf } from './work/timeline-of.ts';
import style from './record.module.css';

/** What belongs to the record: records that refer to it, associations, its children, its files. */
export function Related({ item }: { item: Item }) {
  const { resource, parents, may } = item;
  const references = resource.isRecord && parents.object === undefined ? referencesTo(resource.name) : [];
  // The conversation and the clocks of a ticket are in sight already.
  const shown = references.filter((each) => !(resource.name === 'tickets' && shownElsewhere.has(each.resource.name)));
  const reads = [...resource.children, ...resource.verbs.filter(isRead)].filter(
    (id) => may(id) && listIn(id)?.of !== 'Association' && id !== timelineOf(resource),
  );
  return (
    <section className={style.related} aria-label={t('record.related')}>
      {resource.name === 'tickets' && <CustomerCard ticket={item.now} />}
      <MailService item={item} />
      <Tasks item={item} />
      <Splits item={item} />
      {shown.map((reference) => (
        <Referring key={`${reference.resource.name}.${reference.path}`} item={item} {...reference} />
      ))}
      {resource.isRecord && may('listRecordAssociations') && <Associations item={item} />}
      {reads.map((id) => (
        <Children key={id} item={item} list={id} />
      ))}
      {resource.isRecord && may('listFiles') && <Files item={item} />}
    </section>
  );
}

const shownElsewhere: ReadonlySet<string> = new Set(['ticketEntries', 'slaTimers']);

interface Reference {
  resource: Resource;
  path: string;
}

/** The lists that can be filtered by a reference to a resource, such as deals by their customer. */
function referencesTo(name: string): Reference[] {
  return theContract().resources.flatMap((resource) =>
    resource.filters
      .filter(({ path }) => theContract().field(resource.message, path)?.reference === name)
      .filter(({ path }) => theContract().field(resource.message, path)?.output !== true || !resource.create)
      .map(({ path }) => ({ resource, path })),
  );
}

/** The first records that refer to this one. */
function Referring({ item, resource, path }: { item: Item } & Reference) {
  const filter = `${path} = "${item.id}"`;
  const total = theContract().hasParameter(resource.list, 'total') ? 'EXACT' : undefined;
  const { data } = useQuery(readQuery(resource.list, { filter, pageSize: 6, total }, item.may(resource.list)));
  const isSame = resource.name === item.resource.name;
  const other = otherOf(resource, path);
  return (
    <Records
      item={item}
      title={
        isSame
          ? labels.field(resource.message, `${path}.back`)
          : labels.resource(other ? other.resource.name : resource.name)
      }
      records={data && itemsAt(data, resource.items)}
      total={Number(data?.totalSize ?? 0)}
      message={resource.message}
      pathTo={(record) =>
        other ? pathOfRecord(other.resource, { id: record[other.path] }) : pathOfRecord(resource, record)
      }
      create={resource.create}
      body={{ [path]: item.id }}
      all={{ to: `/${resource.name}`, search: { filter } as never }}
    />
  );
}

/** The record at the other end of a link, of which `path` is one. */
function otherOf(resource: Resource, path: string): Reference | undefined {
  const { title, link } = hintsOf(resource);
  const end = link !== undefined && path === link ? title : (link ?? '');
  const other = theContract().resource(theContract().field(resource.message, end)?.reference ?? '');
  return other && { resource: other, path: end };
}

function pathOfRecord(resource: Resource, record: Json): string {
  return hintsOf(resource).path?.(record) ?? `/${resource.name}/${textAt(record, 'id')}`;
}

/** A list of the contract below the record, such as its consents, or what a verb finds for it, such as duplicates. */
function Children({ item, list }: { item: Item; list: string }) {
  const parameters = itemParameters(list, item.parents, item.id);
  const { data } = useQuery(readQuery(list, parameters));
  const field = listIn(list);
  const resource = theContract().resources.find((each) => each.list === list);
  return (
    <Records
      item={item}
      title={resource ? labels.resource(resource.name) : labels.operation(list)}
      records={data && itemsAt(data, field?.name ?? '')}
      message={field?.of ?? ''}
      create={resource?.create}
      parameters={parameters}
    />
  );
}

/** A panel of the first records. Nothing where there are none, and none can be made. */
function Records({
  item,
  title,
  records,
  total = 0,
  message,
  pathTo,
  create,
  parameters = {},
  body,
  all,
}: RecordsProps) {
  const [isAdding, setIsAdding] = useState(false);
  const canCreate = item.may(create);
  if (!records || (records.length === 0 && !canCreate)) return null;
  return (
    <Panel
      title={title}
      count={records.length === 0 ? t('record.none') : String(Math.max(total, records.length))}
      onAdd={canCreate && !item.isDeleted ? () => setIsAdding(true) : undefined}
    >
      {records.slice(0, all ? 5 : 8).map((record, index) => (
        <RecordRow
          key={textAt(record, 'id') || index}
          item={item}
          record={record}
          message={message}
          to={pathTo?.(record)}
        />
      ))}
      {all && records.length > 5 && (
        <Link {...all} className={text.link}>
          {t('record.all')}
        </Link>
      )}
      {isAdding && canCreate && (
        <OperationDialog id={create} parameters={parameters} body={body} onClose={() => setIsAdding(false)} />
      )}
    </Panel>
  );
}

interface RecordsProps {
  item: Item;
  title: string;
  /** Undefined while they are read. */
  records: readonly Json[] | undefined;
  total?: number;
  message: string;
  pathTo?: (record: Json) => string;
  create: string | undefined;
  parameters?: Json;
  body?: Json;
  /** Where all of them are. */
  all?: { to: string; search: never };
}

/** One of them. That which holds a record of the same kind, with how likely it is the same, links to it. */
function RecordRow({ item, record, message, to }: { item: Item; record: Json; message: string; to?: string }) {
  const inner = record[item.resource.singular];
  const { score } = record;
  if (isJson(inner)) {
    const of = `${pathOf(item)}/${textAt(inner, 'id')}`;
    return (
      <Link to={of} className={style.row}>
        <RowText message={item.resource.message} record={inner}>
          {typeof score === 'number' && <Chip tone="warn">{score.toFixed(1)}</Chip>}
        </RowText>
      </Link>
    );
  }
  const content = <RowText message={message} record={record} of={item.id} />;
  return to === undefined ? (
    <div className={style.row}>{content}</div>
  ) : (
    <Link to={to} className={style.row}>
      {content}
    </Link>
  );
}

/** A verb that only reads a list, such as `findDuplicates`. */
function isRead(id: string): boolean {
  const { verb, answerUsage } = theContract().operation(id);
  return verb === 'GET' && answerUsage === 'message' && listIn(id) !== undefined;
}

/** The list of messages in the answer of an operation. */
function listIn(id: string): Field | undefined {
  return theContract()
    .fields(theContract().operation(id).answer)
    .find(({ list, type }) => list === true && type === 'message');
}

/** The open tasks about a record. Nothing for a record that tasks are not about. */
function Tasks({ item }: { item: Item }) {
  const path = `related.${item.resource.singular}`;
  const tasks = theContract().resource('tasks');
  const isAbout = tasks?.filters.some((filter) => filter.path === path) === true && item.may('listTasks');
  return isAbout && item.resource.name !== 'tasks' ? <OpenTasks item={item} path={path} /> : null;
}

function OpenTasks({ item, path }: { item: Item; path: string }) {
  const filter = `${path} = "${item.id}" AND ${openTasks}`;
  const { data } = useQuery(readQuery('listTasks', { filter, orderBy: 'deadline', pageSize: 20 }));
  const acts = useTaskActs();
  const tasks = itemsAt(data, 'tasks');
  if (!data || tasks.length === 0) return null;
  return (
    <Panel title={labels.resource('tasks')} count={String(tasks.length)}>
      <div className={style.tasks}>
        <TaskList label={labels.resource('tasks')} tasks={tasks} acts={acts} about={false} />
      </div>
    </Panel>
  );
}
