import type { ReactNode } from 'react';
import { t } from '../../app/language.ts';
import { Legend } from '../../kit/panel.tsx';
import { join, text } from '../../kit/ui.tsx';
import style from './reports.module.css';

interface BarTableProps {
  /** Of the names, and of the figures after the bars. */
  heads: readonly string[];
  rows: readonly BarRow[];
  className?: string | undefined;
}

interface BarRow {
  key: string;
  name: ReactNode;
  /** Of a name that is cut where it is too long. */
  title?: string;
  bar: ReactNode;
  cells: readonly ReactNode[];
}

/** Rows with a bar after their names, and figures after it. */
export function BarTable({ heads: [first, ...heads], rows, className = style.times }: BarTableProps) {
  return (
    <table className={className}>
      <thead>
        <tr>
          <th scope="col">{first}</th>
          <td />
          {heads.map((head) => (
            <th key={head} scope="col">
              {head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map(({ key, name, title, bar, cells }) => (
          <tr key={key}>
            <th scope="row" className={join(title !== undefined && text.cut)} title={title}>
              {name}
            </th>
            <td aria-hidden>{bar}</td>
            {cells.map((cell, index) => (
              <td key={heads[index]}>{cell}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** A bar with a dark part. Both are from 0 to 1: of the track, and of the bar. */
export function PartBar({ share = 1, part }: { share?: number; part: number }) {
  return (
    <div className={style.stay} style={{ width: `${share * 100}%` }}>
      <div style={{ width: `${part * 100}%` }} />
    </div>
  );
}

/** What the parts of bars stand for that show a median within what nine in ten do not exceed. */
export function MedianLegend() {
  return (
    <>
      <Legend color="--chart-1">{t('reports.median')}</Legend>
      <Legend color="--chart-fill">{t('reports.p90')}</Legend>
    </>
  );
}
