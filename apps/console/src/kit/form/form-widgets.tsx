import { createContext, useContext, useMemo, useState, type ReactNode } from 'react';
import { Button as AriaButton, Tag, TagGroup, TagList } from 'react-aria-components';
import { labels, language, t } from '../../app/language.ts';
import { Icon, icons, text } from '../ui.tsx';
import { useTitles } from '../record/names.tsx';
import { codeOptions, countryOptions } from './choices.ts';
import { CodeChoice } from './choose.tsx';
import { DottedChoices } from './dotted/dotted-choices.tsx';
import { isDotted } from './dotted/dotted-rows.ts';
import { Check, Select, TextField, type Naming } from './field.tsx';
import type { FormField } from './form-field.ts';
import { Fault, type Faults } from './form-faults.tsx';
import style from './form.module.css';
import { CurrencyChoice, Money } from './money.tsx';
import { ReferencePicker } from './reference.tsx';

export interface WidgetProps {
  field: FormField;
  label: string;
  isHiddenLabel?: boolean;
  value: unknown;
  /** Undefined leaves the value out, null clears it. */
  onChange: (value: unknown) => void;
  faults: Faults;
  pointer: string;
  error: string | undefined;
  autoFocus?: boolean;
  /** Without the sentence of the contract. */
  isBrief?: boolean;
}

/** Renders the inputs that a screen has for fields of its own kind; undefined for others. */
export const OwnInputs = createContext<(props: WidgetProps) => ReactNode>(() => undefined);

/** The input of a field that is no message, by its type and its rules. Money is one value, too. */
export function Widget(props: WidgetProps) {
  const { field } = props;
  const own = useContext(OwnInputs)(props);
  if (own !== undefined) return own;
  if (isDotted(field)) return <Dotted {...props} />;
  if (field.list) return <Texts {...props} />;
  if (field.options || field.type === 'enum' || field.reference !== undefined || field.code)
    return <Chosen {...props} />;
  switch (field.type) {
    case 'bool':
      return <Bool {...props} />;
    case 'message':
      return <Money {...namingOf(props)} value={props.value} onChange={props.onChange} />;
    case 'object':
      return <JsonText {...props} />;
    case 'date':
    case 'time':
      return <Moment {...props} />;
    default:
      return <Plain {...props} />;
  }
}

/** The comment of a field in the contract, which is English. */
export function helpOf({ help }: FormField): string | undefined {
  return language === 'en' ? help?.replaceAll('`', '') : undefined;
}

/** What the label and the help of an input are. */
export function namingOf({ field, label, isHiddenLabel = false, error, autoFocus, isBrief }: WidgetProps): Naming {
  const sentence = helpOf(field);
  // One that only repeats the name says nothing.
  const hasHelp = sentence !== undefined && sentence.split(' ').length > 4 && isBrief !== true && !isHiddenLabel;
  const help = hasHelp ? sentence : undefined;
  return { label: field.required ? `${label} *` : label, isHiddenLabel, help, error, autoFocus };
}

/** Values to choose from: those of the field, or of its enum. */
function choicesOf({ options, of, code }: FormField): readonly { id: string; name: string }[] {
  if (code === 'country') return countryOptions();
  return options ?? labels.values(of ?? '');
}

/** Text that becomes a number where the field has one. What is no number is sent as it is, and the server says so. */
function Plain(props: WidgetProps) {
  const { field, value, onChange } = props;
  const isNumber = field.type === 'int' || field.type === 'number';
  const isOneLine = 'in' in field || isCredential(field) || /url$/i.test(field.name);
  const isLong = (field.maxLength ?? 0) > 500 && !isOneLine;
  const toValue = (typed: string) =>
    isNumber && typed.trim() !== '' && Number.isFinite(Number(typed)) ? Number(typed) : typed;
  return (
    <TextField
      {...namingOf(props)}
      value={typeof value === 'string' || typeof value === 'number' ? String(value) : ''}
      onChange={(typed) => onChange(typed === '' ? null : toValue(typed))}
      lines={isLong ? 4 : 1}
      {...(isCredential(field) && { type: 'password', autoComplete: 'new-password' })}
      inputMode={isNumber ? 'decimal' : undefined}
    />
  );
}

/** Whether what is typed is not shown. */
function isCredential({ name }: FormField): boolean {
  return /^(?:password|clientSecret|refreshToken)$/.test(name);
}

function Moment(props: WidgetProps) {
  const { field, value, onChange } = props;
  const isDay = field.type === 'date';
  const text = typeof value === 'string' ? value : '';
  return (
    <TextField
      {...namingOf(props)}
      type={isDay ? 'date' : 'datetime-local'}
      value={isDay ? text : localTime(text)}
      onChange={(typed) => onChange(typed === '' ? null : isDay ? typed : new Date(typed).toISOString())}
    />
  );
}

/** A time of the log as the browser's input takes it: local, without a zone. */
function localTime(moment: string): string {
  const date = new Date(moment);
  if (Number.isNaN(date.getTime())) return '';
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

/** One of several: a value of the field or of its enum, another record, or a code. An empty id stands for none. */
function Chosen(props: WidgetProps) {
  const { field, value, onChange } = props;
  const choices = choicesOf(field);
  const chosen = {
    ...namingOf(props),
    value: typeof value === 'string' ? value : (field.default ?? ''),
    onChange: (id: string) => (id !== '' || !field.code || !field.required) && onChange(id === '' ? null : id),
  };
  if (field.options || field.type === 'enum') {
    const options =
      field.required || field.default !== undefined ? choices : [{ id: '', name: t('form.none') }, ...choices];
    return <Select {...chosen} options={options} isDisabled={choices.length === 0} />;
  }
  if (field.reference !== undefined) return <ReferencePicker {...chosen} resource={field.reference} />;
  return field.code === 'currency' ? <CurrencyChoice {...chosen} /> : <Coded {...chosen} code={field.code} />;
}

/** Such as `en-NZ`: there are many more than a list should have. */
const tagWithRegion = /^[a-z]{2,3}(?:-[a-z0-9]{2,8})+$/i;

/** A code, found by a part of its name. A language may have a region that the list lacks. */
export function Coded({
  code,
  ...chosen
}: Naming & { code: FormField['code']; value: string; onChange: (id: string) => void }) {
  const { value } = chosen;
  const options = useMemo(() => codeOptions(code, value), [code, value]);
  return <CodeChoice {...chosen} options={options} others={code === 'language' ? tagWithRegion : undefined} />;
}

function Bool(props: WidgetProps) {
  const { value, onChange } = props;
  const { label, isHiddenLabel, help, error } = namingOf(props);
  return (
    <div className={style.field}>
      <Check isSelected={value === true} onChange={onChange} label={label} isHiddenLabel={isHiddenLabel} />
      {help !== undefined && <p className={text.meta}>{help}</p>}
      {error !== undefined && <Fault>{error}</Fault>}
    </div>
  );
}

function Dotted(props: WidgetProps) {
  const { field, value, onChange } = props;
  return (
    <DottedChoices
      {...namingOf(props)}
      code={field.code === 'permission' ? 'permission' : 'eventType'}
      value={Array.isArray(value) ? value.map(String) : []}
      onChange={onChange}
    />
  );
}

/** Texts of a list, each with a button that removes it. Enter and a comma add what is typed. */
function Texts(props: WidgetProps) {
  const { field, value, onChange } = props;
  const [draft, setDraft] = useState('');
  const items = Array.isArray(value) ? value.map(String) : [];
  // What is being typed is a part of the value already: nothing moves under the pointer when the focus leaves.
  const kept = draft.trim() === '' ? items : items.slice(0, -1);
  const choices = choicesOf(field);
  const titles = useTitles(field.reference ?? '', field.reference === undefined ? [] : kept);
  const nameOf = (item: string) => choices.find(({ id }) => id === item)?.name ?? titles.get(item) ?? item;
  const add = (added: string) => {
    setDraft('');
    onChange([...new Set([...kept, added.trim()])].filter((item) => item !== ''));
  };
  const type = (next: string) => {
    if (/[,，]$/.test(next)) return add(next.slice(0, -1));
    setDraft(next);
    onChange(next.trim() === '' ? kept : [...kept, next.trim()]);
  };
  const { isHiddenLabel, ...named } = namingOf(props);
  const isAbove = kept.length > 0 && isHiddenLabel !== true;
  const naming = { ...named, isHiddenLabel: isAbove || isHiddenLabel === true };
  return (
    <div className={style.field}>
      {isAbove && (
        <span className={text.meta} aria-hidden>
          {named.label}
        </span>
      )}
      {kept.length > 0 && (
        <TagGroup
          aria-label={field.label ?? field.name}
          onRemove={(keys) => onChange(items.filter((item, index) => index >= kept.length || !keys.has(item)))}
        >
          <TagList className={style.tags}>
            {kept.map((item) => (
              <Tag key={item} id={item} textValue={nameOf(item)} className={style.tag}>
                {nameOf(item)}
                <AriaButton slot="remove" className={style.remove} aria-label={t('form.remove')}>
                  <Icon of={icons.X} small />
                </AriaButton>
              </Tag>
            ))}
          </TagList>
        </TagGroup>
      )}
      {choices.length > 0 ? (
        <Select
          {...naming}
          options={choices.filter(({ id }) => !items.includes(id))}
          value=""
          onChange={add}
          placeholder={t('form.add')}
        />
      ) : field.reference !== undefined ? (
        <ReferencePicker {...naming} resource={field.reference} value="" onChange={add} />
      ) : (
        <TextField
          {...naming}
          value={draft}
          onChange={type}
          onKeyDown={(event) => {
            if (event.key !== 'Enter' || event.metaKey || event.ctrlKey || draft.trim() === '')
              event.continuePropagation();
            else {
              event.preventDefault();
              add(draft);
            }
          }}
        />
      )}
    </div>
  );
}

/** An object of any shape, as its JSON text. */
export function JsonText(props: WidgetProps) {
  const { value, onChange } = props;
  const [typed, setTyped] = useState<string>();
  const [isBad, setIsBad] = useState(false);
  const naming = namingOf(props);
  const change = (next: string) => {
    setTyped(next);
    const parsed = parse(next);
    setIsBad(parsed === undefined && next.trim() !== '');
    if (parsed !== undefined || next.trim() === '') onChange(parsed ?? null);
  };
  return (
    <div className={style.code}>
      <TextField
        {...naming}
        error={isBad ? t('form.notJson') : naming.error}
        value={typed ?? (value === undefined || value === null ? '' : JSON.stringify(value, undefined, 2))}
        onChange={change}
        lines={Math.min(24, Math.max(4, (typed ?? JSON.stringify(value ?? '', undefined, 2)).split('\n').length))}
      />
    </div>
  );
}

function parse(typed: string): unknown {
  try {
    return JSON.parse(typed);
  } catch {
    // The sentence under the input says that it is no JSON yet.
    return undefined;
  }
}
