import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { itemParameters } from '../../app/resource.ts';
import { useLanguage } from '../../app/language.ts';
import { theContract, type Field, type Resource } from '../../contract/contract.ts';
import { isJson, itemsAt, readQuery, textAt, type Json } from '../../contract/api.ts';
import { Chip } from '../../kit/ui.tsx';
import text from '../../style/text.module.css';
import { OperationDialog } from '../operation/operation-dialog.tsx';
import { Associations } from './associations.tsx';
import { Files } from './files.tsx';
import type { Item } from './item.ts';
import { Panel, RowText } from './panel.tsx';
import style from './record.module.css';

/** What belongs to the record: records that refer to it, associations, its children, its files. */
export function Related({ item }: { item: Item }) {
  const { t } = useLanguage();
  const { resource, parents, may } = item;
  const references = resource.isRecord && parents.object === undefined ? referencesTo(resource.name) : [];
  const reads = [...resource.children, ...resource.verbs.filter(isRead)].filter(
    (id) => may(id) && listIn(id)?.of !== 'Association',
  );
  return (
    <section className={style.related} aria-label={t('record.related')}>
      {references.map((reference) => (
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
  const { t, labels } = useLanguage();
  const filter = `${path} = "${item.id}"`;
  const known = theContract().operation(resource.list).parameters;
  const isCounted = known.some(({ name }) => name === 'total');
  const { data } = useQuery({
    ...readQuery(resource.list, { filter, pageSize: 6, ...(isCounted && { total: 'EXACT' }) }),
    enabled: item.may(resource.list),
  });
  const records = itemsAt(data, resource.items);
  const [isAdding, setIsAdding] = useState(false);
  const total = data?.totalSize;
  if (!data || (records.length === 0 && !item.may(resource.create))) return null;
  return (
    <Panel
      title={
        resource.name === item.resource.name
          ? labels.field(resource.message, `${path}.back`)
          : labels.resource(resource.name)
      }
      count={records.length === 0 ? t('record.none') : String(typeof total === 'number' ? total : records.length)}
      onAdd={item.may(resource.create) && !item.isDeleted ? () => setIsAdding(true) : undefined}
    >
      {records.slice(0, 5).map((record) => (
        <Link
          key={textAt(record, 'id')}
          to="/$resource/$id"
          params={{ resource: resource.name, id: textAt(record, 'id') }}
          className={style.row}
        >
          <RowText message={resource.message} record={record} />
        </Link>
      ))}
      {records.length > 5 && (
        <Link to="/$resource" params={{ resource: resource.name }} search={{ filter }} className={text.link}>
          {t('record.all')}
        </Link>
      )}
      {isAdding && resource.create !== undefined && (
        <OperationDialog
          id={resource.create}
          parameters={{}}
          body={{ [path]: item.id }}
          onClose={() => setIsAdding(false)}
        />
      )}
    </Panel>
  );
}

/** A list of the contract below the record, such as its consents, or what a verb finds for it, such as duplicates. */
function Children({ item, list }: { item: Item; list: string }) {
  const { t, labels } = useLanguage();
  const [isAdding, setIsAdding] = useState(false);
  const parameters = itemParameters(list, item.parents, item.id);
  const { data } = useQuery(readQuery(list, parameters));
  const field = listIn(list);
  const resource = theContract().resources.find((each) => each.list === list);
  const items = itemsAt(data, field?.name ?? '');
  const create = item.may(resource?.create) ? resource?.create : undefined;
  if (!data || (items.length === 0 && create === undefined)) return null;
  return (
    <Panel
      title={resource ? labels.resource(resource.name) : labels.operation(list)}
      count={items.length === 0 ? t('record.none') : String(items.length)}
      onAdd={create !== undefined && !item.isDeleted ? () => setIsAdding(true) : undefined}
    >
      {items.slice(0, 8).map((child, index) => (
        <Child key={textAt(child, 'id') || index} item={item} child={child} message={field?.of ?? ''} />
      ))}
      {isAdding && create !== undefined && (
        <OperationDialog id={create} parameters={parameters} onClose={() => setIsAdding(false)} />
      )}
    </Panel>
  );
}

/** One of them. That which holds a record of the same kind, with how likely it is the same, links to it. */
function Child({ item, child, message }: { item: Item; child: Json; message: string }) {
  const inner = child[item.resource.singular];
  const score = child.score;
  if (!isJson(inner))
    return (
      <div className={style.row}>
        <RowText message={message} record={child} />
      </div>
    );
  return (
    <Link to="/$resource/$id" params={{ resource: item.resource.name, id: textAt(inner, 'id') }} className={style.row}>
      <RowText message={item.resource.message} record={inner}>
        {typeof score === 'number' && <Chip tone="warn">{score.toFixed(1)}</Chip>}
      </RowText>
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
