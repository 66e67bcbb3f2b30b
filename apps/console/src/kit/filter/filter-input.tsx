import { useId, useLayoutEffect, useRef, useState, type ReactNode } from 'react';
import { find, format, labels, t } from '../../app/language.ts';
import { Icon, IconButton, icons, join, Key, text } from '../ui.tsx';
import { useFilter, type FilterSource } from './use-filter.ts';
import style from './filter.module.css';
import type { Completion, CompletionGroup } from './filter-completion.ts';
import { scan } from './filter-language.ts';

interface FilterInputProps extends FilterSource {
  fault: FilterFault | undefined;
}

/** The filter language in one line, with completions of the part at the caret. */
export function FilterInput({ fault, ...source }: FilterInputProps) {
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const state = useFilter(source, input);
  const { text, context, groups, chosen, setCaret } = state;
  const completions = groups.flatMap((group) => group.completions);
  const isOpen = context !== undefined && completions.length > 0;
  const shownFault = state.isApplied ? fault : undefined;
  const menu = isOpen ? (
    <FilterMenu id={id} groups={groups} chosen={chosen} written={context.written} onInsert={state.insert} />
  ) : undefined;
  return (
    <div className={style.filter}>
      <div className={join(style.box, shownFault && style.faulty)}>
        <Icon of={icons.ListFilter} />
        <FilterText text={text} fault={shownFault} anchor={context?.from} menu={menu}>
          <input
            ref={input}
            value={text}
            role="combobox"
            aria-label={t('filter.label')}
            aria-expanded={isOpen}
            aria-controls={id}
            aria-autocomplete="list"
            aria-activedescendant={isOpen && chosen ? `${id}-${completions.indexOf(chosen)}` : undefined}
            aria-invalid={shownFault !== undefined}
            aria-describedby={shownFault && `${id}-fault`}
            data-filter
            spellCheck={false}
            autoComplete="off"
            autoCapitalize="off"
            placeholder={t('filter.example')}
            onChange={({ target }) => state.type(target.value, target.selectionStart ?? target.value.length)}
            onSelect={({ currentTarget }) => context && setCaret(currentTarget.selectionStart ?? 0)}
            onClick={({ currentTarget }) => setCaret(currentTarget.selectionStart ?? 0)}
            onKeyDown={state.onKey}
            onBlur={state.onLeave}
          />
        </FilterText>
        {text === '' ? (
          <Key>/</Key>
        ) : (
          <IconButton small icon={icons.X} name={t('filter.clear')} onPress={() => state.apply('')} />
        )}
      </div>
      {shownFault && (
        <p id={`${id}-fault`} className={style.fault} role="alert">
          <Icon of={icons.TriangleAlert} small />
          {faultText(shownFault)}
        </p>
      )}
    </div>
  );
}

interface FilterMenuProps {
  /** Of the list; its options are `<id>-<index>`. */
  id: string;
  groups: readonly CompletionGroup[];
  chosen: Completion | undefined;
  written: string;
  onInsert: (completion: Completion) => void;
}

/**
 * The completions under the caret. They replace one part of the text, where React Aria's combo box would replace all of it, so the
 * input keeps the focus and names the chosen option (ARIA APG, combobox).
 */
function FilterMenu({ id, groups, chosen, written, onInsert }: FilterMenuProps) {
  const all = groups.flatMap(({ completions }) => completions);
  return (
    <span className={style.menu}>
      <span role="listbox" id={id} aria-label={t('filter.completions')} className={style.groups}>
        {groups.map(({ title, completions }) => (
          <span role="group" aria-label={title} key={title} className={style.group}>
            <span className={style.title} aria-hidden>
              {title}
            </span>
            {completions.map((completion) => (
              <span
                key={completion.insert}
                id={`${id}-${all.indexOf(completion)}`}
                role="option"
                aria-selected={completion === chosen}
                className={style.option}
                // The input keeps its focus.
                onMouseDown={(event) => event.preventDefault()}
                onClick={() => onInsert(completion)}
              >
                <code>
                  <Code code={completion.code} written={written} />
                </code>
                <span className={text.cut}>{completion.name}</span>
                {completion.count !== undefined && (
                  <span className={style.count}>{format.number(completion.count)}</span>
                )}
              </span>
            ))}
          </span>
        ))}
      </span>
      <span className={style.foot}>
        <Key>↑</Key>
        <Key>↓</Key>
        <span>{t('filter.choose')}</span>
        <Key>Tab</Key>
        <span>{t('filter.insert')}</span>
        <span className={text.grow} />
        <a
          className={join(text.link)}
          href="/docs"
          target="_blank"
          rel="noreferrer"
          tabIndex={-1}
          onMouseDown={(event) => event.preventDefault()}
        >
          {t('filter.language')}
        </a>
      </span>
    </span>
  );
}

/** The code, with the part that is written in the accent. */
function Code({ code, written }: { code: string; written: string }) {
  const isStart = code.toLowerCase().startsWith(written.toLowerCase());
  if (written === '' || !isStart) return code;
  return (
    <>
      <b>{code.slice(0, written.length)}</b>
      {code.slice(written.length)}
    </>
  );
}

/** What the server says about a filter, and where. */
export interface FilterFault {
  /** Index into the text. */
  index: number;
  /** Absent where `text` is in the language of the reader. */
  code?: string;
  /** What the server says, without the place. */
  text: string;
}

/** What is wrong, in the language of the reader where it has a sentence. */
export function faultText({ index, code, text: said }: FilterFault): string {
  if (code === undefined || find(`error.value.${code}`) === undefined) return said;
  return labels.fault(code, `${index + 1}`);
}

interface FilterTextProps {
  text: string;
  fault: FilterFault | undefined;
  /** Index under which the menu is. */
  anchor: number | undefined;
  menu: ReactNode;
  /** The input, whose own text is transparent. */
  children: ReactNode;
}

/** An input whose text is coloured: the same text is shown below it, and scrolls with it. */
function FilterText({ text, fault, anchor, menu, children }: FilterTextProps) {
  const box = useRef<HTMLSpanElement>(null);
  const shown = useRef<HTMLSpanElement>(null);
  const [left, setLeft] = useState(0);

  useLayoutEffect(() => {
    const input = box.current?.querySelector('input');
    if (!input) return undefined;
    const follow = () => {
      if (shown.current) shown.current.style.translate = `${-input.scrollLeft}px`;
    };
    follow();
    input.addEventListener('scroll', follow);
    return () => input.removeEventListener('scroll', follow);
  }, [text]);

  useLayoutEffect(() => {
    const place = shown.current?.querySelector<HTMLElement>('[data-anchor]');
    const input = box.current?.querySelector('input');
    if (place && input) setLeft(Math.max(0, place.offsetLeft - input.scrollLeft));
  }, [text, anchor]);

  const { tokens } = scan(text);
  const marks = [...tokens.map(({ kind, start, text: part }) => ({ kind, start, end: start + part.length }))];
  return (
    <span ref={box} className={style.text}>
      <span className={style.clip} aria-hidden>
        <span ref={shown} className={style.shown}>
          {marks.map(({ kind, start, end }, index) => (
            <span key={start}>
              {text.slice(marks[index - 1]?.end ?? 0, start)}
              {start === anchor && <i data-anchor />}
              <span className={join(style[kind], isAt(fault, start, end) && style.wrong)}>
                {text.slice(start, end)}
              </span>
            </span>
          ))}
          {text.slice(marks.at(-1)?.end ?? 0)}
          {anchor !== undefined && !marks.some(({ start }) => start === anchor) && <i data-anchor />}
          {fault && fault.index >= (marks.at(-1)?.end ?? 0) && <span className={style.wrong}>&nbsp;</span>}
        </span>
      </span>
      {children}
      {menu !== undefined && (
        <span className={style.place} style={{ left: `max(0px, min(${left}px, 100% - 23.25rem))` }}>
          {menu}
        </span>
      )}
    </span>
  );
}

function isAt(fault: FilterFault | undefined, start: number, end: number): boolean {
  return fault !== undefined && fault.index >= start && fault.index < end;
}
