import { useQuery } from '@tanstack/react-query';
import { X } from 'lucide-react';
import { Value } from '../../../kit/record/value.tsx';
import { format, labels, t } from '../../../app/language.ts';
import { theContract } from '../../../contract/contract.ts';
import { itemsAt, readQuery, textAt } from '../../../contract/api.ts';
import { quoted } from '../../../kit/filter/filter-completion.ts';
import { IconButton } from '../../../kit/ui.tsx';
import type { ListState } from '../list-state.ts';
import style from '../list.module.css';

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
      <IconButton small icon={X} name={t('list.ungroup')} onPress={() => change({ group: undefined })} />
    </div>
  );
}

function GroupValue({ list: { resource }, path, value }: { list: ListState; path: string; value: string }) {
  const field = theContract().field(resource.message, path) ?? { name: path, type: 'text' };
  return value === '' ? t('list.none') : <Value field={field} value={value} isPlain />;
}
