import type { ReactNode } from 'react';
import text from '../style/text.module.css';
import style from './editor.module.css';

/** What is edited, beside what becomes of it. */
export function Editor({ isDisabled, left, right, label }: EditorProps) {
  return (
    <div className={style.editor}>
      <fieldset className={style.left} disabled={isDisabled}>
        {left}
      </fieldset>
      <aside className={style.right} aria-label={label} tabIndex={0}>
        {right}
      </aside>
    </div>
  );
}

interface EditorProps {
  isDisabled: boolean;
  left: ReactNode;
  right: ReactNode;
  /** Of the right half. */
  label: string;
}

/** A part of an editor with its title. */
export function Section({ title, beside, children }: { title: string; beside?: ReactNode; children: ReactNode }) {
  return (
    <section className={style.section} aria-label={title}>
      <header className={text.row}>
        <h2 className={text.grow}>{title}</h2>
        {beside}
      </header>
      {children}
    </section>
  );
}

/** Inputs beside each other where there is room. */
export function Pair({ children }: { children: ReactNode }) {
  return <div className={style.pair}>{children}</div>;
}
