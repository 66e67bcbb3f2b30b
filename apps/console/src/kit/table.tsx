import type { ReactNode } from 'react';
import style from './table.module.css';

/** Figures in rows, each after its name. */
export function Table({ label, heads, rows }: TableProps) {
  return (
    <table className={style.table} aria-label={label}>
      <thead>
        <tr>
          {heads.map((head) => (
            <th key={head} scope="col">
              {head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map(([name, ...cells], row) => (
          <tr key={row}>
            <th scope="row">{name}</th>
            {cells.map((cell, column) => (
              <td key={column}>{cell}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

interface TableProps {
  label: string;
  heads: readonly string[];
  rows: readonly (readonly ReactNode[])[];
}
