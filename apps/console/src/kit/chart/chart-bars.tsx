import { useState } from 'react';
import { Table } from '../table.tsx';
import { format, t } from '../../app/language.ts';
import { Button, icons } from '../ui.tsx';
import style from './chart.module.css';

export interface Bar {
  /** Below the bar. */
  label: string;
  /** Of the row in the table. */
  name: string;
  value: number;
  /** What the value is compared with: a tick over the bar. */
  before: number;
}

/** Bars with a tick for the comparison; the last one is of a period that is not over. The table has the same figures. */
export function BarChart({ title, bars, heads, isTable }: BarChartProps) {
  const top = niceTop(Math.max(...bars.map(({ value, before }) => Math.max(value, before)), 1));
  const isCompared = bars.some(({ before }) => before > 0);
  const share = (value: number) => `${(value / top) * 100}%`;
  if (isTable)
    return (
      <Table
        label={title}
        heads={heads}
        rows={bars.map(({ name, value, before }) => [name, format.number(value), format.number(before)])}
      />
    );
  return (
    <figure className={style.bars} aria-label={title} role="img">
      {[1, 2, 3].map((step) => (
        <div key={step} className={style.grid} style={{ bottom: `calc(1.25rem + (100% - 1.25rem) * ${step / 4})` }}>
          {format.number((top / 4) * step)}
        </div>
      ))}
      {bars.map(({ label, name, value, before }, index) => (
        <div key={name} className={style.slot} title={`${name}: ${format.number(value)}`}>
          <div className={style.plot}>
            {index === bars.length - 1 && (
              <span className={style.figure} style={{ bottom: share(Math.max(value, before)) }}>
                {format.number(value)}
              </span>
            )}
            <div className={style.bar} data-open={index === bars.length - 1} style={{ height: share(value) }} />
            {isCompared && <div className={style.tick} style={{ bottom: share(before) }} />}
          </div>
          <span className={style.label}>{label}</span>
        </div>
      ))}
    </figure>
  );
}

interface BarChartProps {
  title: string;
  bars: readonly Bar[];
  /** Heads of the table: of the names, the values and the comparison. */
  heads: readonly [string, string, string];
  isTable: boolean;
}

/** Whether a chart is shown as a table, and the button that changes it. */
export function useAsTable(): [boolean, React.ReactNode] {
  const [isTable, setTable] = useState(false);
  const button = (
    <Button kind="bare" small icon={icons.Table2} aria-pressed={isTable} onPress={() => setTable(!isTable)}>
      {t(isTable ? 'chart.asChart' : 'chart.asTable')}
    </Button>
  );
  return [isTable, button];
}

/** The next value that four steps divide into round numbers. */
function niceTop(value: number): number {
  const size = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 4, 8, 10, 20].map((each) => each * size).find((each) => each >= value) ?? value;
  return Math.max(4, step);
}
