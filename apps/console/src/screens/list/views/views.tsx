import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { inSentence } from '../../../app/labels.ts';
import { format, t } from '../../../app/language.ts';
import { useSession } from '../../../app/session.ts';
import { call, invalidate, readQuery } from '../../../contract/api.ts';
import { patch } from '../../../contract/in-turn.ts';
import { itemsAt, textAt, type Json } from '../../../contract/json.ts';
import { theContract, type Resource } from '../../../contract/contract.ts';
import { split } from '../../../kit/filter/filter-language.ts';
import { Menu, MenuItem } from '../../../kit/overlay.tsx';
import { notify } from '../../../kit/notices.ts';
import { Button, Icon, IconButton, icons, text } from '../../../kit/ui.tsx';
import { orderBy, useCount, type ListSearch, type ListState } from '../search.ts';
import style from '../list.module.css';
import { Ask } from '../../../kit/form/ask.tsx';
import { Check, TextField } from '../../../kit/form/field.tsx';

/** The saved views of a list as tabs, and those of the records of the person. A view is the address of a list, kept on the server. */
export function Views({ list }: { list: ListState }) {
  return theContract().hasOperation('listViews') && list.resource.isRecord ? <Tabs list={list} /> : null;
}

function Tabs({ list }: { list: ListState }) {
  const { resource, parents, search, change, title } = list;
  const { whole } = list.data;
  const [isSaving, setSaving] = useState(false);
  const { data } = useQuery(readQuery('listViews'));
  const path = resource.name.replace('{object}', textAt(parents, 'object'));
  const mine = resource.filters.find(({ isUser }) => isUser);
  const views = [
    ...(mine ? [{ id: 'mine', name: t('views.mine'), filter: `${mine.path} = me` }] : []),
    ...itemsAt(data, 'views').filter((view) => view.resource === path),
  ];
  const current = views.find((view) => view.id === search.view);
  const state = stateOf(search);
  return (
    <nav className={style.views} aria-label={t('views.name')}>
      <button
        type="button"
        className={style.view}
        aria-current={current ? undefined : 'page'}
        onClick={() => change({ ...emptyState, view: undefined })}
      >
        {t('views.all', { name: inSentence(title) })}
        {whole !== undefined && <small>{format.number(whole)}</small>}
      </button>
      {views.map((view) => (
        <Tab
          key={textAt(view, 'id')}
          view={view}
          isCurrent={view === current}
          resource={resource}
          parents={parents}
          onChoose={() => change({ ...searchOf(view), view: textAt(view, 'id') })}
        />
      ))}
      <IconButton small icon={icons.Plus} name={t('views.save')} onPress={() => setSaving(true)} />
      <span className={text.grow} />
      {current?.etag !== undefined && isChanged(current, state) && (
        <Button small onPress={() => void update(current, withCleared(state), t('views.updated'))}>
          {t('views.update')}
        </Button>
      )}
      {current && <ViewMenu view={current} onDeleted={() => change({ view: undefined })} />}
      {isSaving && (
        <ViewDialog
          onClose={() => setSaving(false)}
          state={{ ...state, resource: path }}
          onSaved={(id) => change({ view: id })}
        />
      )}
    </nav>
  );
}

interface TabProps {
  view: Json;
  isCurrent: boolean;
  resource: Resource;
  parents: Json;
  onChoose: () => void;
}

function Tab({ view, isCurrent, resource, parents, onChoose }: TabProps) {
  const filter = textAt(view, 'filter');
  const count = useCount(resource, { ...parents, ...(filter !== '' && { filter }) }, true);
  return (
    <button type="button" className={style.view} aria-current={isCurrent ? 'page' : undefined} onClick={onChoose}>
      {isCurrent && <Icon of={icons.Bookmark} />}
      {textAt(view, 'name')}
      {view.shared === true && <Icon of={icons.Users} small />}
      {count !== undefined && <small>{format.number(count)}</small>}
    </button>
  );
}

function ViewMenu({ view, onDeleted }: { view: Json; onDeleted: () => void }) {
  const session = useSession();
  const isShared = view.shared === true;
  const name = textAt(view, 'name');
  const remove = async () => {
    await call('deleteView', { id: view.id });
    onDeleted();
    await invalidate('views');
    const { id: _, ownerId: __, etag: ___, ...body } = view;
    notify(t('views.deleted', { name }), () => call('createView', {}, { body }).then(() => invalidate('views')));
  };
  if (view.ownerId !== session.user.id) return null;
  return (
    <Menu label={t('views.menu')} button={<IconButton small icon={icons.Ellipsis} name={t('views.menu')} />}>
      <MenuItem
        icon={icons.Users}
        onAction={() => void update(view, { shared: !isShared }, t(isShared ? 'views.unshared' : 'views.shared'))}
      >
        {t(isShared ? 'views.unshare' : 'views.share')}
      </MenuItem>
      <MenuItem icon={icons.Trash} onAction={() => void remove()}>
        {t('views.delete')}
      </MenuItem>
    </Menu>
  );
}

async function update(view: Json, body: Json, done: string): Promise<void> {
  await patch('views', view, body);
  await invalidate('views');
  notify(done);
}

const emptyState = { filter: undefined, sort: undefined, columns: undefined, group: undefined };

/** An update takes away what the list does not have. */
function withCleared({ filter, orderBy: order, columns, group }: Json): Json {
  return { filter: filter ?? null, orderBy: order ?? null, columns: columns ?? [], group: group ?? null };
}

/** The state of the list as a view keeps it. */
function stateOf({ filter, sort, columns, group }: ListSearch): Json {
  const comparisons = split(filter ?? '').filter;
  return { filter: comparisons || undefined, orderBy: orderBy(sort), columns: columns?.split(','), group };
}

function searchOf(view: Json): ListSearch {
  const text = (name: string) => textAt(view, name) || undefined;
  const [field = '', direction] = textAt(view, 'orderBy').split(' ');
  const columns = Array.isArray(view.columns) ? view.columns.join() : '';
  return {
    filter: text('filter'),
    sort: direction === 'desc' ? `-${field}` : field || undefined,
    columns: columns || undefined,
    group: text('group'),
  };
}

function isChanged(view: Json, state: Json): boolean {
  return JSON.stringify(stateOf(searchOf(view))) !== JSON.stringify(state);
}

interface ViewDialogProps {
  onClose: () => void;
  state: Json;
  onSaved: (id: string) => void;
}

/** Asks for the name of a new view. */
function ViewDialog({ onClose, state, onSaved }: ViewDialogProps) {
  const [name, setName] = useState('');
  const [isShared, setShared] = useState(false);
  const save = async () => {
    const view = await call('createView', {}, { body: { ...state, name, shared: isShared } });
    await invalidate('views');
    onSaved(textAt(view, 'id'));
  };
  return (
    <Ask title={t('views.save')} acts={[{ name: t('views.saveDo'), run: save }]} onClose={onClose} names={['name']}>
      {(faults) => (
        <>
          <TextField label={t('views.nameOf')} value={name} onChange={setName} error={faults.get('/name')} autoFocus />
          <Check isSelected={isShared} onChange={setShared} label={t('views.share')} />
        </>
      )}
    </Ask>
  );
}
