import {
  FieldError,
  Input,
  Label,
  ListBox,
  ListBoxItem,
  Popover,
  Select as AriaSelect,
  Button as AriaButton,
  SelectValue,
  Text,
  TextArea,
  TextField as AriaTextField,
  type TextFieldProps as AriaTextFieldProps,
} from 'react-aria-components';
import { ChevronDown, TriangleAlert } from 'lucide-react';
import { Icon, join } from '../ui.tsx';
import style from './field.module.css';

/** A text with its label. `error` is the sentence of the server. */
export function TextField({ label, help, error, lines = 1, placeholder, beside = false, ...rest }: TextFieldProps) {
  return (
    <AriaTextField {...rest} isInvalid={error !== undefined} className={join(style.field, beside && style.beside)}>
      <Label className={style.label}>{label}</Label>
      {lines > 1 ? (
        <TextArea className={join(style.input, style.area)} rows={lines} />
      ) : (
        <Input className={style.input} placeholder={placeholder} />
      )}
      {help !== undefined && error === undefined && (
        <Text slot="description" className={style.help}>
          {help}
        </Text>
      )}
      <FieldError className={style.error}>
        <Icon of={TriangleAlert} small />
        {error}
      </FieldError>
    </AriaTextField>
  );
}

export interface TextFieldProps extends Omit<AriaTextFieldProps, 'className' | 'style' | 'children' | 'isInvalid'> {
  label: string;
  help?: string;
  error?: string;
  lines?: number;
  /** An example, never the label. */
  placeholder?: string;
  /** Whether the label is at the left. */
  beside?: boolean;
}

/** A choice of one of a few values. An empty id stands for none. */
export function Select({
  label,
  options,
  value,
  onChange,
  help,
  error,
  beside = false,
  isHiddenLabel = false,
}: SelectProps) {
  return (
    <AriaSelect
      value={value}
      onChange={(key) => onChange(key === null ? '' : String(key))}
      isInvalid={error !== undefined}
      className={join(style.field, beside && style.beside)}
      aria-label={isHiddenLabel ? label : undefined}
    >
      {!isHiddenLabel && <Label className={style.label}>{label}</Label>}
      <AriaButton className={join(style.input, style.select)}>
        <SelectValue className={style.value} />
        <Icon of={ChevronDown} />
      </AriaButton>
      {help !== undefined && error === undefined && (
        <Text slot="description" className={style.help}>
          {help}
        </Text>
      )}
      <FieldError className={style.error}>
        <Icon of={TriangleAlert} small />
        {error}
      </FieldError>
      <Popover className={style.popover}>
        <ListBox className={style.list}>
          {options.map(({ id, name }) => (
            <ListBoxItem key={id} id={id} textValue={name} className={style.option}>
              {name}
            </ListBoxItem>
          ))}
        </ListBox>
      </Popover>
    </AriaSelect>
  );
}

export interface SelectProps {
  label: string;
  options: readonly { id: string; name: string }[];
  value: string;
  onChange: (id: string) => void;
  help?: string;
  error?: string;
  beside?: boolean;
  isHiddenLabel?: boolean;
}
