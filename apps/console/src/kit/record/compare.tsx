import type { ReactNode } from 'react';
import { Radio, RadioGroup } from 'react-aria-components';
import { text } from '../ui.tsx';
import style from './compare.module.css';

export type Side = 'left' | 'right';

export interface ComparedRow {
  id: string;
  name: string;
  /** Texts of both sides; empty for none. */
  left: string;
  right: string;
  /** Whether one side has to be chosen. */
  isChoice?: boolean;
  /** Said in place of a choice, such as that both are kept. */
  note?: string;
}

/** Two records side by side. Where they differ one side is chosen, and the difference is underlined. */
export function Compare({ label, leftHead, rightHead, rows, chosen, onChoose, fieldHead }: CompareProps) {
  return (
    <div className={style.table} role="group" aria-label={label}>
      <div className={style.head}>
        <span>{fieldHead}</span>
        <div>{leftHead}</div>
        <div>{rightHead}</div>
      </div>
      {rows.map((row) => (
        <Row key={row.id} row={row} side={chosen?.[row.id]} onChoose={(side) => onChoose?.(row.id, side)} />
      ))}
    </div>
  );
}

interface CompareProps {
  label: string;
  fieldHead: string;
  leftHead: ReactNode;
  rightHead: ReactNode;
  rows: readonly ComparedRow[];
  /** The chosen side by the id of the row. */
  chosen?: Readonly<Record<string, Side | undefined>>;
  onChoose?: (id: string, side: Side) => void;
}

function Row({ row, side, onChoose }: { row: ComparedRow; side: Side | undefined; onChoose: (side: Side) => void }) {
  const { left, right, name, isChoice, note } = row;
  if (isChoice !== true)
    return (
      <div className={style.row}>
        <span className={text.strong}>{name}</span>
        <span className={style.plain}>
          <Difference of={left} from={right} />
        </span>
        <span className={style.plain}>
          <Difference of={right} from={left} /> {note !== undefined && <small className={text.meta}>{note}</small>}
        </span>
      </div>
    );
  return (
    <RadioGroup
      className={style.row}
      aria-label={name}
      value={side ?? null}
      onChange={(value) => onChoose(value as Side)}
    >
      <span className={text.strong}>{name}</span>
      <Radio value="left" className={style.side}>
        <Difference of={left} from={right} />
      </Radio>
      <Radio value="right" className={style.side}>
        <Difference of={right} from={left} />
      </Radio>
    </RadioGroup>
  );
}

/** A text, with what another one does not have underlined. */
function Difference({ of, from }: { of: string; from: string }) {
  const [start, middle, end] = differingPart(of, from);
  return (
    <span className={style.value}>
      {start}
      {middle !== '' && <em>{middle}</em>}
      {end}
      {of === '' && '–'}
    </span>
  );
}

/** The text before, in and after the part that differs, by whole characters. */
function differingPart(of: string, from: string): [string, string, string] {
  const one = [...of];
  const other = [...from];
  let start = 0;
  while (start < one.length && one[start] === other[start]) start += 1;
  let end = 0;
  while (end < one.length - start && end < other.length - start && one.at(-1 - end) === other.at(-1 - end)) end += 1;
  const last = one.length - end;
  return [one.slice(0, start).join(''), one.slice(start, last).join(''), one.slice(last).join('')];
}
