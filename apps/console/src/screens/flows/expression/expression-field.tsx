import { createContext, useContext, useId, useLayoutEffect, useRef, useState } from 'react';
import { t } from '../../../app/language.ts';
import { TextField } from '../../../kit/form/field.tsx';
import { namingOf, type WidgetProps } from '../../../kit/form/form-widgets.tsx';
import { join } from '../../../kit/ui.tsx';
import filter from '../../../kit/filter/filter.module.css';
import { completionsAt, type Names } from './completion.ts';
import style from './expression.module.css';

/** What the expressions of a form can read. */
export const ExpressionNames = createContext<Names>({});

/** The input of fields that the contract describes as expressions; undefined for others. */
export function inputOfExpression(props: WidgetProps) {
  const { help = '', list } = props.field;
  return list !== true && /\bin CEL\b/.test(help) ? <ExpressionField {...props} /> : undefined;
}

/**
 * An expression with completions of the name at the caret. They replace a part of the text, so the input keeps the focus and names
 * the chosen option (ARIA APG, combobox with a list).
 */
function ExpressionField(props: WidgetProps) {
  const { field, value, onChange } = props;
  const known = useContext(ExpressionNames);
  const id = useId();
  const box = useRef<HTMLDivElement>(null);
  const [caret, setCaret] = useState(0);
  const [isOpen, setIsOpen] = useState(false);
  const [at, setAt] = useState(0);
  const [placed, setPlaced] = useState<number>();
  const text = typeof value === 'string' ? value : '';
  const found = isOpen ? completionsAt(known, text, caret) : undefined;
  const chosen = found && Math.min(at, found.names.length - 1);

  const input = () => box.current?.querySelector<HTMLTextAreaElement | HTMLInputElement>('textarea, input');

  useLayoutEffect(() => {
    if (placed !== undefined) input()?.setSelectionRange(placed, placed);
  }, [placed, text]);

  const type = (typed: string) => {
    onChange(typed === '' ? null : typed);
    setCaret(input()?.selectionStart ?? typed.length);
    setIsOpen(true);
    setAt(0);
    setPlaced(undefined);
  };
  const insert = (name: string) => {
    if (!found) return;
    const end = found.from + name.length;
    onChange(`${text.slice(0, found.from)}${name}${text.slice(caret)}`);
    setIsOpen(false);
    setCaret(end);
    setPlaced(end);
  };
  return (
    <div ref={box} className={style.box}>
      <TextField
        {...namingOf(props)}
        value={text}
        onChange={type}
        lines={(field.maxLength ?? 0) > 500 ? 3 : 1}
        spellCheck="false"
        autoComplete="off"
        aria-autocomplete="list"
        aria-haspopup="listbox"
        {...(found && { 'aria-controls': id, 'aria-activedescendant': `${id}-${chosen}` })}
        onSelect={({ target }) => setCaret((target as HTMLTextAreaElement).selectionStart)}
        onBlur={() => setIsOpen(false)}
        onKeyDown={(event) => {
          const name = found?.names[chosen ?? 0];
          const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
          if (!found || name === undefined || event.ctrlKey || event.metaKey) return event.continuePropagation();
          if (step !== undefined) setAt(((chosen ?? 0) + step + found.names.length) % found.names.length);
          else if (event.key === 'Enter' || event.key === 'Tab') insert(name);
          else if (event.key === 'Escape') setIsOpen(false);
          else return event.continuePropagation();
          return event.preventDefault();
        }}
      />
      {found && (
        <span role="listbox" id={id} aria-label={t('flow.completions')} className={join(filter.menu, style.menu)}>
          {found.names.map((name, index) => (
            <span
              key={name}
              id={`${id}-${index}`}
              role="option"
              aria-selected={index === chosen}
              className={filter.option}
              // The input keeps its focus.
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => insert(name)}
            >
              <code>
                <b>{name.slice(0, found.written.length)}</b>
                {name.slice(found.written.length)}
              </code>
            </span>
          ))}
        </span>
      )}
    </div>
  );
}
