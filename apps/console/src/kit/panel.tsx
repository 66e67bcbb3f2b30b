import type { ReactNode } from 'react';
import { join, text } from './ui.tsx';
import style from './panel.module.css';

/** A card with a title. */
export function Panel({ title, beside, end, className, children }: PanelProps) {
  return (
    <section className={join(style.panel, className)} aria-label={title}>
      <header className={style.head}>
        <h2>{title}</h2>
        {beside !== undefined && <span className={join(text.meta, text.cut)}>{beside}</span>}
        {end !== undefined && <span className={style.end}>{end}</span>}
      </header>
      {children}
    </section>
  );
}

interface PanelProps {
  title: string;
  beside?: ReactNode;
  end?: ReactNode;
  /** Such as the place of the card in a grid. */
  className?: string | undefined;
  children?: ReactNode;
}

/** What a colour of a chart stands for, which `isLine` where it is the colour of a line. */
export function Legend({ color, isLine, children }: { color: string; isLine?: boolean; children: ReactNode }) {
  return (
    <span className={style.legend}>
      <span className={join(style.swatch, isLine && style.line)} style={{ background: `var(${color})` }} />
      {children}
    </span>
  );
}
