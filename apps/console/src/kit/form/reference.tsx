import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { ListBoxItem, type Key } from 'react-aria-components';
import { titleOf } from '../../hints/hints.ts';
import { nameKey, shapeOf, shortId, useRecord } from '../record/names.tsx';
import { queryClient, readQuery } from '../../contract/api.ts';
import { itemsAt, textAt, type Json } from '../../contract/json.ts';
import { theContract } from '../../contract/contract.ts';
import { Face, join, text } from '../ui.tsx';
import { Combo } from './choose.tsx';
import type { Naming } from './field.tsx';
import fieldStyle from './field.module.css';
import style from './choose.module.css';

/** Finds a record by a part of its name. An empty value stands for none. */
export function ReferencePicker({ resource: name, value, onChange, ...naming }: PickerProps) {
  const [typed, setTyped] = useState<string>();
  const object = /^objects\/(\w+)\/records$/.exec(name)?.[1];
  const named = object === undefined ? name : 'objectRecords';
  const current = useRecord(named, value);
  const shown = typed ?? (titleOf(current) || shortId(value));
  const found = useFound(object === undefined ? name : 'objects/{object}/records', typed ?? '', object);
  const choose = (key: Key | null) => {
    if (key === null) return;
    const item = found.find(({ id }) => id === key);
    // Its name is known before it is read: the input shows it at once.
    if (item) queryClient.setQueryData(nameKey(named, String(key)), item);
    setTyped(undefined);
    onChange(String(key));
  };
  const leave = () => {
    if (typed === '') onChange('');
    setTyped(undefined);
  };
  return (
    <Combo
      {...naming}
      items={found}
      inputValue={shown}
      onInputChange={(next) => next !== shown && setTyped(next)}
      onChange={choose}
      onOpenChange={(isOpen) => !isOpen && leave()}
      defaultFilter={() => true}
      allowsEmptyCollection
      // What is chosen may be missing in the next list: its name stays in the input without being in it.
      allowsCustomValue
      option={(item: Json) => <Found item={item} />}
    />
  );
}

interface PickerProps extends Naming {
  /** Such as `customers`, or `objects/car/records` for those of one custom object. */
  resource: string;
  /** The id of the chosen one. */
  value: string;
  onChange: (id: string) => void;
}

function Found({ item }: { item: Json }) {
  const title = titleOf(item);
  const shape = shapeOf(item);
  const beside = textAt(itemsAt(item, 'emails')[0], 'address') || textAt(item, 'jobTitle') || textAt(item, 'email');
  return (
    <ListBoxItem id={textAt(item, 'id')} textValue={title} className={join(fieldStyle.option, style.found)}>
      {shape && <Face name={title} shape={shape} />}
      <span className={text.cut}>{title}</span>
      <span className={join(text.meta, text.cut)}>{beside}</span>
    </ListBoxItem>
  );
}

/** The first records that a text finds: by the search of the list, or among all where it has none. */
function useFound(name: string, typed: string, object: string | undefined): Json[] {
  const resource = theContract().resource(name);
  const list = resource?.list ?? 'listUsers';
  const has = (name: string) => theContract().hasParameter(list, name);
  const canSearch = has('q');
  const { data } = useQuery({
    ...readQuery(list, {
      object,
      q: canSearch ? typed : undefined,
      pageSize: has('pageSize') ? (canSearch ? 8 : 100) : undefined,
    }),
    placeholderData: (previous) => previous,
  });
  const items = itemsAt(data, resource?.items ?? '');
  return canSearch
    ? items
    : items.filter((item) => titleOf(item).toLowerCase().includes(typed.toLowerCase())).slice(0, 20);
}
