import { useLayoutEffect, useRef, useState, type ReactNode } from 'react';
import { join } from '../ui.tsx';
import { scan } from './filter-language.ts';
import style from './filter.module.css';

/** What the server says about a filter, and where. */
export interface FilterFault {
  /** Index into the text. */
  index: number;
  text: string;
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
export function FilterText({ text, fault, anchor, menu, children }: FilterTextProps) {
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
