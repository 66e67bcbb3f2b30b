import { useInfiniteQuery } from '@tanstack/react-query';
import { defaultParseSearch, Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { titleOf } from '../../hints/hints.ts';
import { nextStepOf } from '../../hints/steps.ts';
import { itemParameters, pathOf } from '../../app/resource.ts';
import { labels, t } from '../../app/language.ts';
import { useShortcut } from '../../app/shortcuts.ts';
import { call, invalidate, listQuery } from '../../contract/api.ts';
import { textAt, type Json } from '../../contract/json.ts';
import { theContract, type Resource } from '../../contract/contract.ts';
import { Menu, MenuItem } from '../../kit/overlay.tsx';
import { copyText, notify } from '../../kit/notices.ts';
import { Title } from '../../kit/record/names.tsx';
import { Button, Chip, Icon, IconButton, icons, Key, text } from '../../kit/ui.tsx';
import { OperationDialog } from '../operation/operation-dialog.tsx';
import { askedOf, listSearch } from '../list/search.ts';
import { curlOf } from '../operation/snippets.ts';
import type { Item } from './item.ts';
import style from './record.module.css';

/** Where the record was opened from, its neighbours there, and what can be done with it. */
export function RecordBar({ item, from }: { item: Item; from: string }) {
  const search: Json = defaultParseSearch(from.includes('?') ? from.slice(from.indexOf('?')) : from);
  const { resource, parents } = item;
  const object = textAt(parents, 'object');
  return (
    <header className={style.bar}>
      <Link to={pathOf(item)} search={search as never} className={style.back}>
        {labels.resource(object === '' ? resource.name : object)}
      </Link>
      <span className={text.faint}>
        <Icon of={icons.ChevronRight} />
      </span>
      {from === '' ? <ItemTitle item={item} /> : <Neighbours item={item} from={from} search={search} />}
      <span className={text.grow} />
      <CopyCurl item={item} />
      <Actions item={item} label={t('record.more')} />
    </header>
  );
}

function ItemTitle({ item: { now, resource } }: { item: Item }) {
  return (
    <span className={text.cut}>
      <Title record={now} resource={resource} />
    </span>
  );
}

/** The place of the record in the list that it was opened from. */
function Neighbours({ item, from, search }: { item: Item; from: string; search: Json }) {
  const { resource, parents, id } = item;
  const { items, total, hasMore } = useSiblings(resource, parents, search, id);
  const index = items.findIndex((each) => each.id === id);
  const go = useGo(item, from);
  const [previous, next] = [items[index - 1], index === -1 ? undefined : items[index + 1]];
  useShortcut('k', 'record.previous', () => previous && go(previous), previous !== undefined);
  useShortcut('j', 'record.next', () => next && go(next), next !== undefined);
  if (index === -1) return <ItemTitle item={item} />;
  return (
    <span className={text.row}>
      <Chip tone="line">
        {t(hasMore && total === undefined ? 'record.placeOfMore' : 'record.place', {
          place: index + 1,
          count: total ?? items.length,
        })}
      </Chip>
      <span className={style.wide}>
        <IconButton
          small
          name={t('record.previous')}
          shortcut="K"
          icon={icons.ChevronUp}
          isDisabled={!previous}
          onPress={() => previous && go(previous)}
        />
        <IconButton
          small
          name={t('record.next')}
          shortcut="J"
          icon={icons.ChevronDown}
          isDisabled={!next}
          onPress={() => next && go(next)}
        />
        <Key>K</Key> <Key>J</Key>
      </span>
    </span>
  );
}

function useSiblings(resource: Resource, parents: Json, search: Json, id: string) {
  const { data, hasNextPage, isFetching, fetchNextPage } = useInfiniteQuery(
    listQuery(resource, askedOf(resource, parents, listSearch(search))),
  );
  const items = data?.pages.flatMap((page) => page.items) ?? [];
  // Loads the next page when the last known record is shown, so that J continues.
  if (hasNextPage && !isFetching && items.at(-1)?.['id'] === id) void fetchNextPage();
  return { items, total: data?.pages[0]?.totalSize, hasMore: hasNextPage };
}

function useGo(item: Item, from: string): (record: Json) => void {
  const navigate = useNavigate();
  return ({ id }) => void navigate({ to: `${pathOf(item)}/${String(id)}`, search: { from } as object });
}

function CopyCurl({ item }: { item: Item }) {
  const { resource, parents, id, asOf } = item;
  const copy = () => {
    const get = theContract().operation(resource.get ?? '');
    const parameters = { ...itemParameters(get.id, parents, id), asOf };
    void copyText(curlOf({ operation: get, parameters }), t('record.copied'));
  };
  useShortcut('c', 'record.curl', copy);
  return (
    <span className={style.wide}>
      <Button kind="bare" icon={icons.CodeXml} shortcut="C" onPress={copy}>
        {t('record.curl')}
      </Button>
    </span>
  );
}

/** The operations of the contract on this record. */
function Actions({ item, label }: { item: Item; label: string }) {
  const [verb, setVerb] = useState<string>();
  const { resource, parents, id, now, asOf, isDeleted, may } = item;
  const { remove, restore } = useRemoval(item);
  const verbs = resource.verbs.filter((each) => may(each) && isAct(each));
  const step = isDeleted || asOf !== undefined ? undefined : nextStepOf(resource, now);
  return (
    <>
      {step !== undefined && may(step) && (
        <span className={style.wide}>
          <Button kind="primary" onPress={() => setVerb(step)}>
            {labels.operation(step)}
          </Button>
        </span>
      )}
      <Menu label={label} button={<IconButton name={label} icon={icons.Ellipsis} />}>
        {verbs.map((each) => (
          <MenuItem key={each} icon={icons.Zap} onAction={() => setVerb(each)}>
            {labels.operation(each)}
          </MenuItem>
        ))}
        {may(resource.delete) && !isDeleted ? (
          <MenuItem key="delete" icon={icons.Trash} onAction={remove}>
            {t('record.delete')}
          </MenuItem>
        ) : null}
        {may(resource.undelete) && isDeleted ? (
          <MenuItem key="undelete" icon={icons.RotateCcw} onAction={restore}>
            {t('record.undelete')}
          </MenuItem>
        ) : null}
      </Menu>
      {verb !== undefined && (
        <OperationDialog id={verb} parameters={itemParameters(verb, parents, id)} onClose={() => setVerb(undefined)} />
      )}
    </>
  );
}

/** What acts or gives a file; what only reads is a panel. */
function isAct(id: string): boolean {
  const { verb, answerUsage } = theContract().operation(id);
  return verb !== 'GET' || answerUsage === 'file';
}

export function useRemoval({ resource, parents, id, now }: Item): { remove: () => void; restore: () => void } {
  const run = async (operation: string | undefined, options: { ifMatch?: string }) => {
    await call(operation ?? '', itemParameters(operation ?? '', parents, id), options);
    await invalidate(resource.name);
  };
  const restore = () =>
    void run(resource.undelete, {}).then(() => notify(t('record.undeleted', { name: titleOf(now) })));
  const remove = () =>
    void run(resource.delete, { ifMatch: textAt(now, 'etag') }).then(() =>
      notify(t('record.deleted', { name: titleOf(now) }), resource.undelete === undefined ? undefined : restore),
    );
  return { remove, restore };
}
