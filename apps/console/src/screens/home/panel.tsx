import type { ReactNode } from 'react';
import { join } from '../../kit/ui.tsx';
import text from '../../style/text.module.css';
import style from './home.module.css';

/** A card of the dashboard. */
export function Panel({ title, beside, end, area, children }: PanelProps) {
  return (
    <section className={join(style.panel, style[area])} aria-label={title}>
      <header className={style.head}>
        <h2>{title}</h2>
        {beside !== undefined && <span className={join(text.meta, text.cut)}>{beside}</span>}
        <span className={text.grow} />
        {end}
      </header>
      {children}
    </section>
  );
}

interface PanelProps {
  title: string;
  beside?: ReactNode;
  end?: ReactNode;
  area: 'pipeline' | 'closing' | 'customers' | 'waiting' | 'changes' | 'next';
  children: ReactNode;
}
