import { useState, type ReactNode } from 'react';
import {
  Button as AriaButton,
  ComboBox,
  Group,
  Input,
  ListBox,
  ListBoxItem,
  Popover,
  type ComboBoxProps,
} from 'react-aria-components';
import { Icon, icons, join, text } from '../ui.tsx';
import { FieldEnd, FieldLabel, fieldProps, type Naming } from './field.tsx';
import fieldStyle from './field.module.css';
import style from './choose.module.css';

export interface Option {
  id: string;
  name: string;
}

/** A choice of one of many, found by a part of its name. */
export function Choose({ options, value, onChange, ...naming }: ChooseProps) {
  return (
    <Combo
      {...naming}
      defaultItems={options}
      value={value}
      onChange={(key) => onChange(String(key ?? ''))}
      option={({ id, name }) => (
        <ListBoxItem id={id} textValue={name} className={fieldStyle.option}>
          <span className={text.cut}>{name}</span>
        </ListBoxItem>
      )}
    />
  );
}

/** The same of codes. One that is typed in full needs no choice from the list, nor one like `others` a place in it. */
export function CodeChoice({ others, ...props }: ChooseProps & { others?: RegExp | undefined }) {
  const { options, value, onChange } = props;
  const leave = ({ target }: { target: EventTarget }) => {
    if (!(target instanceof HTMLInputElement)) return;
    const typed = target.value.trim();
    const listed = options.find(({ id }) => id.toLowerCase() === typed.toLowerCase())?.id;
    const code = listed ?? (others?.test(typed) ? typed : value);
    if (code !== value) onChange(code);
  };
  return (
    <div
      onBlurCapture={leave}
      onKeyDownCapture={(event) => (event.key === 'Enter' || event.key === 'Tab') && leave(event)}
    >
      <Choose {...props} />
    </div>
  );
}

interface ChooseProps extends Naming {
  options: readonly Option[];
  value: string;
  /** Empty once the input is. */
  onChange: (id: string) => void;
}

/** An input with a list of what it can have, which opens with the focus. */
export function Combo<Item extends object>({ option, ...props }: ComboProps<Item>) {
  const { label, isHiddenLabel, help, error, autoFocus, ...rest } = props;
  const naming: Naming = { label, isHiddenLabel, help, error, autoFocus };
  // The first field of a form has the focus without being asked for, and its list would cover the next ones.
  const [isFirst, setIsFirst] = useState(autoFocus === true && isHiddenLabel !== true);
  return (
    <ComboBox
      {...rest}
      menuTrigger={isFirst ? 'input' : 'focus'}
      onBlur={() => setIsFirst(false)}
      autoFocus={autoFocus}
      validationBehavior="aria"
      {...fieldProps(naming)}
    >
      <FieldLabel {...naming} />
      <Group className={style.box}>
        <Input className={join(fieldStyle.input, style.input)} />
        <AriaButton className={style.open}>
          <Icon of={icons.ChevronDown} />
        </AriaButton>
      </Group>
      <FieldEnd {...naming} />
      <Popover className={fieldStyle.popover}>
        <ListBox className={fieldStyle.list} renderEmptyState={() => <p className={style.none}>–</p>}>
          {option}
        </ListBox>
      </Popover>
    </ComboBox>
  );
}

type ComboProps<Item extends object> = Naming &
  Omit<ComboBoxProps<Item>, keyof Naming | 'className' | 'style' | 'children'> & {
    option: (item: Item) => ReactNode;
  };
