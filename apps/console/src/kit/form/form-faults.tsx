import type { ReactNode } from 'react';
import { labels, t } from '../../app/language.ts';
import { placedText, sentenceOf } from '../../app/boundaries.tsx';
import { Problem } from '../../contract/api.ts';
import { Icon, icons } from '../ui.tsx';
import style from './form.module.css';

/** Sentences of the server by the JSON pointer of the value, such as `/emails/0/address`. */
export type Faults = ReadonlyMap<string, string>;

/** The errors of a problem for single values of a part of the request. */
export function faultsOf(error: unknown, place: 'body' | 'parameters' = 'body'): Faults {
  if (!(error instanceof Problem)) return new Map();
  const of = error.errors.filter((each) => (each.in === 'body') === (place === 'body'));
  return new Map(of.map(({ pointer, code, detail }) => [pointer, labels.fault(code, detail)]));
}

/** The first fault at or below a place. */
export function faultWithin(faults: Faults, pointer: string): string | undefined {
  return [...faults].find(([each]) => `${each}/`.startsWith(`${pointer}/`))?.[1];
}

/** Whether there are faults at or below a place. */
export function isFaulty(faults: Faults, pointer: string): boolean {
  return faultWithin(faults, pointer) !== undefined;
}

/** The part of a problem that belongs to no shown field: its detail, or the errors of fields that the form lacks. */
export function FormFault({ error, names }: { error: unknown; names: readonly string[] }) {
  if (error === undefined || error === null) return null;
  if (!(error instanceof Problem)) return <Fault>{t('form.failed')}</Fault>;
  const others = error.errors.filter(
    ({ pointer }) => !names.some((name) => `${pointer}/`.startsWith(`/${name.replace('.', '/')}/`)),
  );
  if (error.errors.length > 0 && others.length === 0) return null;
  const texts = others.length > 0 ? others.map(placedText) : [sentenceOf(error)];
  return <Fault>{texts.join(' ')}</Fault>;
}

export function Fault({ children }: { children: ReactNode }) {
  return (
    <p role="alert" className={style.fault}>
      <Icon of={icons.TriangleAlert} small />
      <span>{children}</span>
    </p>
  );
}
