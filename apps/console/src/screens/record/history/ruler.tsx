import { useNavigate } from '@tanstack/react-router';
import { useRef, type KeyboardEvent, type PointerEvent } from 'react';
import { format, locale, t } from '../../../app/language.ts';
import { useShortcut } from '../../../app/shortcuts.ts';
import { textAt, type Json } from '../../../contract/json.ts';
import { Chip, Icon, icons, text } from '../../../kit/ui.tsx';
import type { Item } from '../item.ts';
import style from './ruler.module.css';

/** Shows the record as of a moment, or as it is now. */
export function useGoTo(): (asOf: string | undefined) => void {
  const navigate = useNavigate();
  return (asOf) => void navigate({ to: '.', search: (search: Json) => ({ ...search, asOf }), replace: true } as never);
}

/** Every change as a tick. The handle goes to the past by pointer or by arrow keys. */
export function Ruler({ item }: { item: Pick<Item, 'asOf' | 'changes' | 'moreChanges'> }) {
  const goTo = useGoTo();
  const scale = useRef<HTMLDivElement>(null);
  const { asOf, changes } = item;
  const times = changes.map((change) => textAt(change, 'time')).toReversed();
  const [from, to] = rangeOf(times);
  const placeOf = (time: string | undefined) =>
    (time === undefined ? 1 : (Date.parse(time) - from) / (to - from)) * 98 + 1;
  const step = (by: number) => {
    const at = asOf === undefined ? times.length : times.indexOf(asOf);
    goTo(times[Math.max(0, at + by)]);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const acts: Readonly<Record<string, () => void>> = {
      ArrowLeft: () => step(asOf === undefined && times.length > 1 ? -2 : -1),
      ArrowRight: () => step(1),
      Home: () => goTo(times[0]),
      End: () => goTo(undefined),
    };
    acts[event.key]?.();
    if (acts[event.key]) event.preventDefault();
  };
  const onPointer = (event: PointerEvent<HTMLDivElement>) => {
    if (event.type === 'pointerdown') event.currentTarget.setPointerCapture(event.pointerId);
    else if (event.buttons !== 1) return;
    const box = scale.current?.getBoundingClientRect();
    if (box) goTo(nearest(times, from + ((event.clientX - box.left) / box.width) * (to - from), to));
  };
  useShortcut('n', 'record.backToNow', () => goTo(undefined), asOf !== undefined);
  const shown = asOf === undefined ? t('record.now') : format.exactTime(asOf);
  return (
    <div className={style.ruler}>
      <span className={style.label}>
        <Icon of={icons.Clock} />
        <span className={text.meta}>{t('record.asOf')}</span>
        {asOf === undefined ? <span className={style.now}>{shown}</span> : <Chip tone="info">{format.time(asOf)}</Chip>}
      </span>
      <div
        ref={scale}
        className={style.scale}
        role="slider"
        tabIndex={0}
        aria-label={t('record.asOf')}
        aria-valuemin={1}
        aria-valuemax={times.length + 1}
        aria-valuenow={asOf === undefined ? times.length + 1 : times.indexOf(asOf) + 1}
        aria-valuetext={shown}
        onKeyDown={onKeyDown}
        onPointerDown={onPointer}
        onPointerMove={onPointer}
      >
        <Scale
          changes={changes}
          from={from}
          to={to}
          placeOf={placeOf}
          handle={placeOf(asOf)}
          isNow={asOf === undefined}
        />
      </div>
      <span className={style.count}>
        {t(item.moreChanges ? 'record.changesAtLeast' : 'record.changes', { count: changes.length })}
      </span>
    </div>
  );
}

function Scale({ changes, from, to, placeOf, handle, isNow }: ScaleProps) {
  const labels = labelsOf(from, to);
  return (
    <svg width="100%" height="40" aria-hidden className={style.chart}>
      {Array.from({ length: 85 }, (_, index) => (
        <line
          key={index}
          className={style.axis}
          x1={`${1 + (index / 84) * 98}%`}
          x2={`${1 + (index / 84) * 98}%`}
          y1={index % 12 === 0 ? 18 : 20}
          y2="24"
        />
      ))}
      {labels.map((label, index) => (
        <text
          key={index}
          x={`${1 + (index / labels.length) * 98}%`}
          y="37"
          className={index % 2 === 1 ? style.second : undefined}
        >
          {label}
        </text>
      ))}
      {changes.map((change) => {
        const x = `${placeOf(textAt(change, 'time'))}%`;
        return <line key={textAt(change, 'id')} className={style.change} x1={x} x2={x} y1={topOf(change)} y2="18" />;
      })}
      <line className={style.edge} x1={`${handle}%`} x2={`${handle}%`} y1="1" y2="26" />
      <line className={isNow ? style.handle : style.past} x1={`${handle}%`} x2={`${handle}%`} y1="1" y2="26" />
    </svg>
  );
}

interface ScaleProps {
  changes: readonly Json[];
  /** Milliseconds of the epoch. */
  from: number;
  to: number;
  placeOf: (time: string) => number;
  handle: number;
  isNow: boolean;
}

/** The more a change touched, the taller. */
function topOf(change: Json): number {
  const fields = change.changedFields;
  return Math.max(3, 13 - 4 * (Array.isArray(fields) && fields.length > 0 ? fields.length : 3));
}

function rangeOf(times: readonly string[]): [number, number] {
  const to = Date.now();
  const first = Date.parse(times[0] ?? '') || to;
  return [first, Math.max(to, first + 60_000)];
}

/** The last change up to a moment; undefined for now. */
function nearest(times: readonly string[], moment: number, to: number): string | undefined {
  const last = Date.parse(times.at(-1) ?? '') || 0;
  if (moment > last + (to - last) / 2) return undefined;
  return times.findLast((time) => Date.parse(time) <= moment) ?? times[0];
}

function labelsOf(from: number, to: number): string[] {
  const days = (to - from) / 86_400_000;
  const options: Intl.DateTimeFormatOptions =
    days > 120
      ? { month: 'short', year: 'numeric' }
      : days > 3
        ? { day: 'numeric', month: 'short' }
        : { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' };
  const form = new Intl.DateTimeFormat(locale, options);
  const labels = Array.from({ length: 7 }, (_, index) => form.format(from + ((to - from) * index) / 7));
  return labels.map((label, index) => (label === labels[index - 1] ? '' : label));
}
