import { AlignJustify, ArrowDownWideNarrow, Equal, Group } from 'lucide-react';
import { Segments } from '../../../kit/form/segments.tsx';
import { theContract } from '../../../contract/contract.ts';
import type { FormField } from '../../../kit/form/form-field.ts';
import { labels, t } from '../../../app/language.ts';
import { chooseDensity, chosenDensity } from '../../../app/theme.ts';
import { useFilterNames } from '../../../kit/filter/filter-completion.ts';
import { FilterInput } from '../../../kit/filter/filter-input.tsx';
import { Menu, MenuItem } from '../../../kit/overlay.tsx';
import { Button } from '../../../kit/ui.tsx';
import type { ListColumn } from '../columns.tsx';
import type { ListState } from '../list-state.ts';
import { orderOf } from '../search.ts';
import style from '../list.module.css';
import { ColumnMenu } from './column-menu.tsx';

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
        <span className={style.grow} />
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
            { id: 'comfortable', name: t('density.comfortable'), icon: Equal, isIcon: true },
            { id: 'compact', name: t('density.compact'), icon: AlignJustify, isIcon: true },
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
    <Menu label={t('list.sort')} button={<Button icon={ArrowDownWideNarrow}>{t('list.sort')}</Button>}>
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
    <Menu label={t('list.group')} button={<Button icon={Group}>{t('list.group')}</Button>}>
      {resource.groups.map((path) => (
        <MenuItem key={path} id={path} onAction={() => change({ group: path === search.group ? undefined : path })}>
          {labels.field(resource.message, path)}
        </MenuItem>
      ))}
    </Menu>
  );
}
