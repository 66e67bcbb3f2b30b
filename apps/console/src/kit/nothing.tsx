import type { ReactNode } from 'react';
import { text, Ticks } from './ui.tsx';
import style from './nothing.module.css';

interface NothingProps {
  title: string;
  help: string;
  curl?: string;
  children?: ReactNode;
}

/** In place of an empty list: what would be here, and how it gets here. */
export function Nothing({ title, help, curl, children }: NothingProps) {
  return (
    <section className={style.nothing}>
      <Ticks label="" count={48} value={0.02} />
      <h2 className={text.title}>{title}</h2>
      <p>{help}</p>
      {children}
      {curl !== undefined && (
        <code className={style.curl} tabIndex={0} role="region" aria-label="curl">
          {curl}
        </code>
      )}
    </section>
  );
}
