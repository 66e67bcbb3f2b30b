import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Dialog, DialogTrigger, Popover } from 'react-aria-components';
import { Check } from '../../../kit/form/field.tsx';
import { Segments } from '../../../kit/form/segments.tsx';
import { theContract } from '../../../contract/contract.ts';
import type { FormField } from '../../../kit/form/form-field.ts';
import { format, labels, t } from '../../../app/language.ts';
import { chooseDensity, chosenDensity } from '../../../app/theme.ts';
import { useFilterNames } from '../../../kit/filter/filter-completion.ts';
import { quoted } from '../../../kit/filter/filter-language.ts';
import { FilterInput } from '../../../kit/filter/filter-input.tsx';
import { Menu, MenuItem } from '../../../kit/overlay.tsx';
import { Button, IconButton, icons, text } from '../../../kit/ui.tsx';
import type { ListColumn } from '../columns.tsx';
import { orderOf, type ListState } from '../search.ts';
import style from '../list.module.css';
import { Value } from '../../../kit/record/value.tsx';
import { readQuery } from '../../../contract/api.ts';
import { itemsAt, textAt } from '../../../contract/json.ts';

interface ToolsProps {
  list: ListState;
  customFields: readonly FormField[];
  /** All that there are, and those that are shown. */
  columns: readonly ListColumn[];
  chosen: readonly ListColumn[];
}

/** What changes the view: filter, order, columns and density. */
export function Tools({ list, customFields, columns, chosen }: ToolsProps) {
  const { resource, parents, search, change, data } = list;
  const names = useFilterNames(resource, customFields);
  return (
    <div className={style.tools}>
      {theContract().hasParameter(resource.list, 'filter') ? (
        <FilterInput
          resource={resource}
          parameters={parents}
          names={names}
          value={search.filter ?? ''}
          onChange={(filter) => change({ filter })}
          fault={data.fault}
        />
      ) : (
        <span className={text.grow} />
      )}
      <span className={style.wide}>
        {resource.orders.length > 0 && theContract().hasParameter(resource.list, 'orderBy') && (
          <SortMenu columns={columns} sort={search.sort} onChange={(sort) => change({ sort })} />
        )}
        {resource.groups.length > 0 && <GroupMenu list={list} />}
        <ColumnMenu columns={columns} chosen={chosen} onChange={(ids) => change({ columns: ids?.join() })} />
        <Segments
          label={t('list.density')}
          value={search.density ?? chosenDensity()}
          onChange={(density) => {
            chooseDensity(density);
            change({ density });
          }}
          options={[
            { id: 'comfortable', name: t('density.comfortable'), icon: icons.Equal, isIcon: true },
            { id: 'compact', name: t('density.compact'), icon: icons.TextAlignJustify, isIcon: true },
          ]}
        />
      </span>
    </div>
  );
}

function SortMenu({
  columns,
  sort,
  onChange,
}: {
  columns: readonly ListColumn[];
  sort: string | undefined;
  onChange: (sort: string | undefined) => void;
}) {
  const order = orderOf(sort);
  const ordered = columns.filter(({ isOrdered }) => isOrdered);
  return (
    <Menu label={t('list.sort')} button={<Button icon={icons.ArrowDownWideNarrow}>{t('list.sort')}</Button>}>
      <>
        {ordered.map(({ id, name }) => {
          const isCurrent = order?.column === id;
          const next = isCurrent && !order.isDescending ? `-${id}` : id;
          return (
            <MenuItem
              key={id}
              id={id}
              onAction={() => onChange(next)}
              shortcut={isCurrent ? (order.isDescending ? '↓' : '↑') : undefined}
            >
              {name}
            </MenuItem>
          );
        })}
        <MenuItem id="-" onAction={() => onChange(undefined)}>
          {t('list.sortNewest')}
        </MenuItem>
      </>
    </Menu>
  );
}

function GroupMenu({ list: { resource, search, change } }: { list: ListState }) {
  return (
    <Menu label={t('list.group')} button={<Button icon={icons.Group}>{t('list.group')}</Button>}>
      {resource.groups.map((path) => (
        <MenuItem key={path} id={path} onAction={() => change({ group: path === search.group ? undefined : path })}>
          {labels.field(resource.message, path)}
        </MenuItem>
      ))}
    </Menu>
  );
}

/** How many records each value of a field has. A press adds the value to the filter. */
export function Groups({ list }: { list: ListState }) {
  const { resource, search, change, data } = list;
  const { group = '' } = search;
  const canGroup = resource.aggregate !== undefined && resource.groups.includes(group);
  const { orderBy: _, showDeleted: __, ...scope } = data.asked;
  const answer = useQuery(readQuery(resource.aggregate ?? resource.list, { ...scope, groupBy: group }, canGroup));
  if (!canGroup) return null;
  const name = labels.field(resource.message, group);
  const add = (value: string) => {
    const condition = value === '' ? `NOT ${group}:*` : `${group} = ${quoted(value)}`;
    change({ filter: search.filter === undefined ? condition : `${search.filter} AND ${condition}` });
  };
  return (
    <div className={style.groups} role="group" aria-label={t('list.groupedBy', { name })}>
      <span className={style.groupName}>{name}</span>
      {itemsAt(answer.data, 'groups').map((each) => {
        const value = textAt(itemsAt(each, 'values')[0], 'value');
        return (
          <button key={value} type="button" className={style.view} onClick={() => add(value)}>
            <GroupValue list={list} path={group} value={value} />
            <small>{format.number(Number(each.count))}</small>
          </button>
        );
      })}
      <IconButton small icon={icons.X} name={t('list.ungroup')} onPress={() => change({ group: undefined })} />
    </div>
  );
}

function GroupValue({ list: { resource }, path, value }: { list: ListState; path: string; value: string }) {
  const field = theContract().field(resource.message, path) ?? { name: path, type: 'text' };
  return value === '' ? t('list.none') : <Value field={field} value={value} isPlain />;
}

interface ColumnMenuProps {
  columns: readonly ListColumn[];
  chosen: readonly ListColumn[];
  /** Undefined for the usual ones. */
  onChange: (ids: string[] | undefined) => void;
}

/** Which columns a list has, and in which order. The name is always the first. */
function ColumnMenu({ columns, chosen, onChange }: ColumnMenuProps) {
  const [wanted, setWanted] = useState('');
  const ids = chosen.slice(1).map(({ id }) => id);
  const others = columns.slice(1).filter(({ id }) => !ids.includes(id));
  const found = others.filter(({ name, id }) => `${name} ${id}`.toLowerCase().includes(wanted.toLowerCase()));
  const move = (index: number, step: number) => {
    const next = [...ids];
    const [id] = next.splice(index, 1);
    if (id !== undefined) next.splice(index + step, 0, id);
    onChange(next);
  };
  return (
    <DialogTrigger>
      <Button icon={icons.Columns3}>{t('list.columns')}</Button>
      <Popover className={style.popover} placement="bottom end" offset={4}>
        <Dialog className={style.columns} aria-label={t('list.columns')}>
          <ul>
            {chosen.slice(1).map(({ id, name }, index) => (
              <li key={id} className={style.columnRow}>
                <Check label={name} isSelected onChange={() => onChange(ids.filter((each) => each !== id))} />
                <IconButton
                  small
                  icon={icons.ArrowUp}
                  name={t('list.columnUp', { name })}
                  isDisabled={index === 0}
                  onPress={() => move(index, -1)}
                />
                <IconButton
                  small
                  icon={icons.ArrowDown}
                  name={t('list.columnDown', { name })}
                  isDisabled={index === ids.length - 1}
                  onPress={() => move(index, 1)}
                />
              </li>
            ))}
          </ul>
          <input
            className={style.search}
            value={wanted}
            aria-label={t('list.findColumn')}
            placeholder={t('list.findColumn')}
            onChange={({ target }) => setWanted(target.value)}
          />
          <ul className={style.others}>
            {found.map(({ id, name }) => (
              <li key={id} className={style.columnRow}>
                <Check label={name} isSelected={false} onChange={() => onChange([...ids, id])} />
              </li>
            ))}
          </ul>
          <Button small kind="bare" onPress={() => onChange(undefined)}>
            {t('list.usualColumns')}
          </Button>
        </Dialog>
      </Popover>
    </DialogTrigger>
  );
}
