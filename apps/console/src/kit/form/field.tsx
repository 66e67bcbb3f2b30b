import {
  Button as AriaButton,
  Checkbox,
  FieldError,
  Input,
  Label,
  ListBox,
  ListBoxItem,
  Popover,
  Select as AriaSelect,
  SelectValue,
  Text,
  TextArea,
  TextField as AriaTextField,
  type TextFieldProps as AriaTextFieldProps,
} from 'react-aria-components';
import { Icon, icons, join, text } from '../ui.tsx';
import style from './field.module.css';

/** What is said of any input. */
export interface Naming {
  label: string;
  /** Whether what is beside the input says its label: readers of the screen hear it alone. */
  isHiddenLabel?: boolean;
  /** The sentence of the contract, and that of the server. */
  help?: string;
  error?: string;
  autoFocus?: boolean;
}

export function FieldLabel({ label, isHiddenLabel }: Naming) {
  return isHiddenLabel ? null : <Label className={text.meta}>{label}</Label>;
}

/** The help of an input, or the error in its place. */
export function FieldEnd({ help, error }: Naming) {
  return (
    <>
      {help !== undefined && error === undefined && (
        <Text slot="description" className={text.meta}>
          {help}
        </Text>
      )}
      <FieldError className={style.error}>
        <Icon of={icons.TriangleAlert} small />
        {error}
      </FieldError>
    </>
  );
}

/** What a React Aria field needs of its naming. */
export function fieldProps({ label, isHiddenLabel, error }: Naming) {
  return {
    isInvalid: error !== undefined,
    'aria-label': isHiddenLabel ? label : undefined,
    className: style.field,
  };
}

/** A text with its label. */
export function TextField({ lines = 1, placeholder, ...props }: TextFieldProps) {
  const { label: _, isHiddenLabel: __, help: ___, error: ____, ...rest } = props;
  return (
    <AriaTextField {...rest} {...fieldProps(props)}>
      <FieldLabel {...props} />
      {lines > 1 ? (
        <TextArea className={join(style.input, style.area)} rows={lines} />
      ) : (
        <Input className={style.input} placeholder={placeholder} />
      )}
      <FieldEnd {...props} />
    </AriaTextField>
  );
}

interface TextFieldProps extends Naming, Omit<AriaTextFieldProps, 'className' | 'style' | 'children' | 'autoFocus'> {
  lines?: number;
  /** An example, never the label. */
  placeholder?: string;
}

/** A choice of one of a few values. An empty id stands for none. */
export function Select({ options, value, onChange, placeholder, isDisabled = false, ...naming }: SelectProps) {
  return (
    <AriaSelect
      isDisabled={isDisabled}
      autoFocus={naming.autoFocus ?? false}
      value={value}
      onChange={(key) => onChange(key === null ? '' : String(key))}
      {...(placeholder !== undefined && { placeholder })}
      {...fieldProps(naming)}
    >
      <FieldLabel {...naming} />
      <AriaButton className={join(style.input, style.select)}>
        <SelectValue className={style.value} />
        <Icon of={icons.ChevronDown} />
      </AriaButton>
      <FieldEnd {...naming} />
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

interface SelectProps extends Naming {
  isDisabled?: boolean;
  /** While nothing is chosen. */
  placeholder?: string;
  options: readonly { id: string; name: string }[];
  value: string;
  onChange: (id: string) => void;
}

export function Check({ label, isHiddenLabel, isSelected, isDisabled = false, onChange }: CheckProps) {
  return (
    <Checkbox
      isSelected={isSelected}
      isDisabled={isDisabled}
      onChange={onChange}
      className={style.check}
      aria-label={isHiddenLabel ? label : undefined}
    >
      <span className={style.box} aria-hidden />
      {!isHiddenLabel && <span className={text.cut}>{label}</span>}
    </Checkbox>
  );
}

interface CheckProps extends Pick<Naming, 'label' | 'isHiddenLabel'> {
  isSelected: boolean;
  isDisabled?: boolean;
  onChange: (isSelected: boolean) => void;
}
