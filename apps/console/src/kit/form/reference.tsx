import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import {
  ComboBox,
  FieldError,
  Group,
  Input,
  Label,
  ListBox,
  ListBoxItem,
  Popover,
  Text,
  Button as AriaButton,
  type Key,
} from 'react-aria-components';
import { ChevronDown, TriangleAlert } from 'lucide-react';
import { isPermitted, useSession } from '../../app/session.ts';
import { call, itemsAt, Problem, readQuery, textAt, type Json } from '../../contract/api.ts';
import { theContract, type Field, type Resource } from '../../contract/contract.ts';
import text from '../../style/text.module.css';
import { Face, Icon, join } from '../ui.tsx';
import fieldStyle from './field.module.css';
import style from './reference.module.css';

const namingFields = [
  'displayName',
  'title',
  'name',
  'key',
  'purpose',
  'eventType',
  'url',
  'type',
  'stage',
  'email',
  'id',
];

/** The name of a record: the first of its fields that name things. */
export function titleOf(record: Json | undefined): string {
  return namingFields.map((name) => textAt(record, name)).find((name) => name !== '') ?? '';
}

/** What stands for a record that has no name, such as `01a2…dea0`. */
export function shortId(id: string): string {
  return id.length > 12 ? `${id.slice(0, 8)}…${id.slice(-4)}` : id;
}

/** A square for a company, a circle for another party; nothing for what is no party. */
export function shapeOf(record: Json | undefined): 'person' | 'company' | undefined {
  const kind = textAt(record, 'kind');
  if (kind === 'COMPANY') return 'company';
  return kind === 'PERSON' || textAt(record, 'email') !== '' ? 'person' : undefined;
}

/** Whether a field says who did or has something. */
export function isPrincipal({ name }: Field): boolean {
  return ['createdBy', 'updatedBy', 'undoneBy', 'ownerId', 'userId', 'actor'].includes(name);
}

/** The path parameters of an operation on one item: those of its parents, and the id of the item. */
export function itemParameters(operation: string, parents: Json, id: string): Json {
  const places = theContract()
    .operation(operation)
    .parameters.filter((each) => each.in === 'path');
  return Object.fromEntries(places.map(({ name }) => [name, parents[name] ?? id]));
}

/** The read of one record; undefined where the session must not, or there is no such operation. */
function useRecord(resource: string, id: string) {
  const session = useSession();
  const get = theContract().resource(resource)?.get;
  const parameters = get === undefined ? {} : itemParameters(get, {}, id);
  const isAllowed = get !== undefined && isPermitted(session, theContract().operation(get).permission);
  return useQuery({
    // As in readQuery, so that what is read once is known to all.
    queryKey: [resource, get ?? '', parameters],
    queryFn: ({ signal }) => call(get ?? '', parameters, { signal }),
    enabled: isAllowed && id !== '',
    staleTime: 300_000,
    retry: false,
  });
}

/** The name of the record with an id, as a link to it. */
export function Reference({ resource, id }: { resource: string; id: string }) {
  const one = useRecord(resource, id);
  const ofObject = useObjectRecord(resource === 'objectRecords' ? id : '');
  const data = one.data ?? ofObject.data;
  const shape = shapeOf(data);
  const title = titleOf(data);
  const object = textAt(ofObject.data, 'object');
  const shown = (
    <>
      {shape && <Face name={title} shape={shape} />}
      <span className={text.cut}>{title || shortId(id)}</span>
    </>
  );
  const looks = { className: join(text.link, style.reference), title: title || id };
  if (object !== '')
    return (
      <Link to="/objects/$object/$id" params={{ object, id }} {...looks}>
        {shown}
      </Link>
    );
  return (
    <Link to="/$resource/$id" params={{ resource, id }} {...looks}>
      {shown}
    </Link>
  );
}

/** A record of a custom object of which only the id is known: it is sought in each object. */
function useObjectRecord(id: string) {
  return useQuery({
    queryKey: ['objects', 'any', id],
    queryFn: async ({ signal }) => {
      const objects = itemsAt(await call('listCustomObjects', {}, { signal }), 'customObjects');
      return Promise.any(objects.map(({ key }) => call('getObjectRecord', { object: key, id }, { signal })));
    },
    enabled: id !== '',
    staleTime: 300_000,
    retry: false,
  });
}

/**
 * Who did something or owns a record.
 *
 * @param name with its kind, such as `apiKey:019a…`, or the id of a user or API key alone
 */
export function Principal({ name }: { name: string }) {
  const [kind, id] = name.includes(':')
    ? [name.slice(0, name.indexOf(':')), name.slice(name.indexOf(':') + 1)]
    : ['user', name];
  const first = useRecord(`${kind}s`, id);
  const isUnknown = first.error instanceof Problem && first.error.status === 404;
  const second = useRecord('apiKeys', isUnknown && kind === 'user' ? id : '');
  const title = titleOf(first.data ?? second.data) || (id === '' ? name : shortId(id));
  const isPerson = kind === 'user' && second.data === undefined;
  return (
    <span className={style.reference} title={name}>
      <Face name={title} shape={isPerson ? 'person' : 'machine'} />
      <span className={text.cut}>{title}</span>
    </span>
  );
}

/** Finds a record by a part of its name. An empty value stands for none. */
export function ReferencePicker({
  label,
  resource: name,
  value,
  onChange,
  error,
  help,
  autoFocus = false,
}: PickerProps) {
  const [typed, setTyped] = useState<string>();
  const current = useRecord(name, value);
  const shown = typed ?? shownName(current.data, value);
  const found = useFound(theContract().resource(name), typed ?? '');
  const choose = (key: Key | null) => {
    if (key === null) return;
    setTyped(undefined);
    onChange(String(key));
  };
  const leave = () => {
    if (typed === '') onChange('');
    setTyped(undefined);
  };
  return (
    <ComboBox
      items={found}
      inputValue={shown}
      onInputChange={(next) => next !== shown && setTyped(next)}
      onChange={choose}
      onOpenChange={(isOpen) => !isOpen && leave()}
      defaultFilter={() => true}
      menuTrigger="focus"
      autoFocus={autoFocus}
      allowsEmptyCollection
      isInvalid={error !== undefined}
      validationBehavior="aria"
      className={fieldStyle.field}
      aria-label={label === '' ? name : undefined}
    >
      {label !== '' && <Label className={fieldStyle.label}>{label}</Label>}
      <Group className={style.box}>
        <Input className={join(fieldStyle.input, style.input)} />
        <AriaButton className={style.open}>
          <Icon of={ChevronDown} />
        </AriaButton>
      </Group>
      <Said help={help} error={error} />
      <Popover className={fieldStyle.popover}>
        <ListBox className={fieldStyle.list} renderEmptyState={() => <p className={style.none}>–</p>}>
          {(item: Json) => <Found item={item} />}
        </ListBox>
      </Popover>
    </ComboBox>
  );
}

export interface PickerProps {
  /** Empty where what is beside it names it. */
  label: string;
  /** Such as `customers`. */
  resource: string;
  /** The id of the chosen one. */
  value: string;
  onChange: (id: string) => void;
  error?: string;
  help?: string;
  autoFocus?: boolean;
}

/** What the contract says of the field, or the server of its value. */
function Said({ help, error }: Pick<PickerProps, 'help' | 'error'>) {
  return (
    <>
      {help !== undefined && error === undefined && (
        <Text slot="description" className={fieldStyle.help}>
          {help}
        </Text>
      )}
      <FieldError className={fieldStyle.error}>
        <Icon of={TriangleAlert} small />
        {error}
      </FieldError>
    </>
  );
}

function shownName(record: Json | undefined, id: string): string {
  return titleOf(record) || (id === '' ? '' : shortId(id));
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
function useFound(resource: Resource | undefined, typed: string): Json[] {
  const list = resource?.list ?? 'listUsers';
  const known = theContract()
    .operation(list)
    .parameters.map((parameter) => parameter.name);
  const canSearch = known.includes('q');
  const { data } = useQuery({
    ...readQuery(list, {
      ...(canSearch && typed !== '' && { q: typed }),
      ...(known.includes('pageSize') && { pageSize: canSearch ? 8 : 100 }),
    }),
    placeholderData: (previous) => previous,
  });
  const items = itemsAt(data, resource?.items ?? '');
  return canSearch
    ? items
    : items.filter((item) => titleOf(item).toLowerCase().includes(typed.toLowerCase())).slice(0, 20);
}
