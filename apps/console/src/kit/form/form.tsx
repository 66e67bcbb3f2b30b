import { t } from '../../app/language.ts';
import { useSentences } from '../../contract/api.ts';
import { theContract } from '../../contract/contract.ts';
import { isJson, type Json } from '../../contract/json.ts';
import { Button, IconButton, icons } from '../ui.tsx';
import { Fault, faultWithin, type Faults } from './form-faults.tsx';
import { keyOf, nameOf, type FormField } from './form-field.ts';
import { Widget, type WidgetProps } from './form-widgets.tsx';
import style from './form.module.css';

/** Inputs for the fields of a message. What is not valid the server says; `faults` are its sentences. */
export function Form({
  message,
  names,
  fields = inputsOf(message, names),
  value,
  onChange,
  faults,
  at = '',
  onLeave,
  isBrief,
  autoFocus = false,
}: FormProps) {
  useSentences();
  return (
    <div className={style.form} onBlur={onLeave}>
      {fields.map((field, index) => (
        <FormRow
          autoFocus={autoFocus && index === 0}
          key={field.name}
          message={message}
          field={field}
          value={value}
          onChange={onChange}
          faults={faults}
          at={at}
          isBrief={isBrief}
        />
      ))}
    </div>
  );
}

export interface FormProps {
  message: string;
  /** Of those shown; all that can be written where neither they nor the fields are given. */
  names?: readonly string[];
  fields?: readonly FormField[];
  value: Json;
  onChange: (value: Json) => void;
  faults: Faults;
  /** Pointer of the message in the body. */
  at?: string;
  /** When the focus leaves a field. */
  onLeave?: () => void;
  /** Whether its first field has the focus. */
  autoFocus?: boolean;
  /** Without the sentences of the contract. */
  isBrief?: boolean;
}

/** One field of a form. The name of a custom field is its path: it is written into `customFields`. */
export function FormRow({
  message,
  field,
  value,
  onChange,
  faults,
  at = '',
  isHiddenLabel = false,
  autoFocus = false,
  isBrief = false,
}: RowProps) {
  const isMessage = field.type === 'message' && field.of !== 'Money';
  const Input = !isMessage ? Widget : field.list ? Messages : Message;
  const isCustom = field.name.startsWith('customFields.');
  const outer = isCustom ? 'customFields' : undefined;
  const inner = outer !== undefined && isJson(value[outer]) ? value[outer] : {};
  const pointer = `${at}/${field.name.replace('.', '/')}`;
  return (
    <Input
      field={field}
      label={nameOf(field, message)}
      isHiddenLabel={isHiddenLabel}
      value={isCustom ? inner[keyOf(field)] : value[field.name]}
      onChange={(next) =>
        onChange(
          outer === undefined
            ? { ...value, [field.name]: next }
            : { ...value, [outer]: { ...inner, [keyOf(field)]: next } },
        )
      }
      faults={faults}
      pointer={pointer}
      error={faultAt(faults, pointer, field)}
      autoFocus={autoFocus}
      isBrief={isBrief}
    />
  );
}

interface RowProps extends Omit<FormProps, 'names' | 'fields' | 'onLeave'> {
  field: FormField;
  isHiddenLabel?: boolean;
}

/** The fault of a field; for one that has no inputs for its parts, theirs too. */
function faultAt(faults: Faults, pointer: string, { type, list, of }: FormField): string | undefined {
  const hasParts = type === 'message' && of !== 'Money';
  const isWhole = list === true || type === 'object' || of === 'Money';
  return faults.get(pointer) ?? (isWhole && !hasParts ? faultWithin(faults, pointer) : undefined);
}

/** Fields that a request can set. @param names of those that are wanted, in their order */
export function inputsOf(message: string, names?: readonly string[]): readonly FormField[] {
  const inputs = theContract()
    .fields(message)
    .filter(({ output }) => output !== true);
  return names?.flatMap((name) => inputs.find((field) => field.name === name) ?? []) ?? inputs;
}

function Message({ field, label, isHiddenLabel, value, onChange, faults, pointer, error, isBrief }: WidgetProps) {
  return (
    <fieldset className={style.group}>
      {!isHiddenLabel && <legend>{label}</legend>}
      <Form
        message={field.of ?? ''}
        value={isJson(value) ? value : {}}
        onChange={onChange}
        faults={faults}
        at={pointer}
        isBrief={isBrief}
      />
      {error !== undefined && <Fault>{error}</Fault>}
    </fieldset>
  );
}

function Messages({ field, label, isHiddenLabel, value, onChange, faults, pointer, error, isBrief }: WidgetProps) {
  const items = Array.isArray(value) ? value.filter(isJson) : [];
  return (
    <fieldset className={style.group}>
      {!isHiddenLabel && (
        <legend>
          {label}
          {field.required && ' *'}
        </legend>
      )}
      {items.map((item, index) => (
        <div key={index} className={style.item}>
          <Form
            message={field.of ?? ''}
            value={item}
            onChange={(next) => onChange(items.with(index, next))}
            faults={faults}
            at={`${pointer}/${index}`}
            isBrief={isBrief}
          />
          <IconButton
            small
            name={t('form.remove')}
            icon={icons.X}
            onPress={() => onChange(items.toSpliced(index, 1))}
          />
        </div>
      ))}
      {error !== undefined && <Fault>{error}</Fault>}
      <Button small icon={icons.Plus} onPress={() => onChange([...items, {}])}>
        {t('form.add')}
      </Button>
    </fieldset>
  );
}
