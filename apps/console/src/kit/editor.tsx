import type { FocusEventHandler, KeyboardEvent, ReactNode } from 'react';
import { GridListItem } from 'react-aria-components';
import { t } from '../app/language.ts';
import { Chip, IconButton, icons, join, Key, text } from './ui.tsx';
import style from './editor.module.css';
import { ChosenList, type ChosenListProps } from './split.tsx';

/** What is edited, beside what becomes of it. */
export function Editor({ isDisabled, left, right, label }: EditorProps) {
  return (
    <div className={join(style.editor, style.sided)}>
      <fieldset className={style.left} disabled={isDisabled}>
        {left}
      </fieldset>
      {right !== undefined && (
        <aside className={style.right} aria-label={label} tabIndex={0}>
          {right}
        </aside>
      )}
    </div>
  );
}

interface EditorProps {
  isDisabled: boolean;
  left: ReactNode;
  right?: ReactNode;
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

/** The parts of a record as a list, beside the form of the chosen one. */
export function ListEditor({ isDisabled, isRightDisabled = isDisabled, left, right }: ListEditorProps) {
  return (
    <div className={join(style.editor, style.listed)}>
      <fieldset className={style.list} disabled={isDisabled}>
        {left}
      </fieldset>
      <fieldset className={style.open} disabled={isRightDisabled}>
        {right}
      </fieldset>
    </div>
  );
}

interface ListEditorProps {
  isDisabled: boolean;
  isRightDisabled?: boolean;
  left: ReactNode;
  right: ReactNode;
}

/** The inputs of the record itself, above the list of its parts. */
export function EditorFields({ onBlur, children }: { onBlur?: () => void; children: ReactNode }) {
  return (
    <div className={style.fields} onBlur={onBlur}>
      {children}
    </div>
  );
}

interface EditorListProps extends ChosenListProps {
  /** What the keys do with the chosen line; absent where it stays. */
  keys?: { move: (by: number) => void; remove: () => void } | undefined;
}

/** The parts of a record. Alt with an arrow moves one, Delete removes it. */
export function EditorList({ keys, ...list }: EditorListProps) {
  const onKeyDown = (event: KeyboardEvent) => {
    const by = event.altKey ? { ArrowUp: -1, ArrowDown: 1 }[event.key] : undefined;
    if (!keys || (by === undefined && event.key !== 'Delete')) return;
    event.preventDefault();
    event.stopPropagation();
    if (by === undefined) keys.remove();
    else keys.move(by);
  };
  return (
    <div className={style.lines} onKeyDownCapture={onKeyDown}>
      <ChosenList {...list} />
    </div>
  );
}

interface EditorLineProps {
  id: string;
  name: string;
  below: string;
  before?: ReactNode;
  after?: ReactNode;
  /** Whether it only heads the lines that follow it. */
  isHead?: boolean;
  isFaulty: boolean;
}

export function EditorLine({ id, name, below, before, after, isHead = false, isFaulty }: EditorLineProps) {
  return (
    <GridListItem id={id} textValue={name} className={join(style.line, isHead && style.head)}>
      {before}
      <span className={style.name}>
        <span className={text.cut} title={name}>
          {name}
        </span>
        {below !== '' && (
          <span className={join(text.meta, text.cut)} title={below}>
            {below}
          </span>
        )}
      </span>
      {isFaulty && (
        <Chip tone="danger" icon={icons.TriangleAlert}>
          {t('pipeline.faulty')}
        </Chip>
      )}
      {after}
    </GridListItem>
  );
}

/** What adds a part, and the keys of the list. */
export function EditorFoot({ children }: { children: ReactNode }) {
  return (
    <footer className={style.foot}>
      {children}
      <OrderKeys />
    </footer>
  );
}

/** The keys that put a line into another place. */
export function OrderKeys() {
  return (
    <span className={style.keys}>
      <Key>Alt</Key> <Key>↑</Key> <Key>↓</Key> {t('pipeline.key.order')}
    </span>
  );
}

/** What is beside the list: the form of the chosen line, or an answer that `onClose` closes. */
export function EditorForm({ title, code, beside, onClose, onBlur, children }: EditorFormProps) {
  return (
    <section className={style.form} aria-label={title} onBlur={onBlur}>
      <header className={text.row}>
        <h2 className={join(text.title, text.cut)}>{title}</h2>
        {code !== undefined && <code className={text.faint}>{code}</code>}
        <span className={text.grow} />
        {beside}
        {onClose && <IconButton small name={t('form.cancel')} icon={icons.X} onPress={onClose} />}
      </header>
      {children}
    </section>
  );
}

interface EditorFormProps {
  title: string;
  /** Key of the line. */
  code?: string;
  beside?: ReactNode;
  onClose?: () => void;
  onBlur?: FocusEventHandler;
  children: ReactNode;
}
