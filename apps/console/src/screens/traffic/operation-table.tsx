import { format, t } from '../../app/language.ts';
import { theContract } from '../../contract/contract.ts';
import { Sparkline } from '../../kit/chart/chart.tsx';
import { join, text, Ticks } from '../../kit/ui.tsx';
import { operationsOf, percentile, type Frame, type OperationFigures } from './figures.ts';
import { msText } from './strip.tsx';
import style from './traffic.module.css';

/** The operations of the range, the busiest first. */
export function OperationTable({ frames }: { frames: readonly Frame[] }) {
  const bounds = frames.at(-1)?.latencyBoundsMs ?? [];
  const seconds = frames.reduce((sum, { durationMs }) => sum + durationMs / 1_000, 0);
  return (
    <table className={style.operations}>
      <thead>
        <tr>
          <th scope="col">{t('traffic.operation')}</th>
          <th scope="col" aria-sort="descending">
            {t('traffic.rate')} ↓
          </th>
          <td />
          <th scope="col">p50</th>
          <th scope="col">p95</th>
          <th scope="col">p99</th>
          <th scope="col">{t('traffic.ofObjective')}</th>
          <th scope="col">{t('traffic.cacheHits')}</th>
        </tr>
      </thead>
      <tbody>
        {operationsOf(frames).map((figures) => (
          <OperationRow key={figures.operation} figures={figures} bounds={bounds} seconds={seconds} />
        ))}
      </tbody>
    </table>
  );
}

function OperationRow({ figures, bounds, seconds }: OperationRowProps) {
  const { operation, sum, parts } = figures;
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => percentile(sum.latencies, bounds, share));
  const { objectiveMs: objective, path } = operationOf(operation);
  const isLate = objective !== undefined && p95 !== undefined && p95 > objective;
  const rate = sum.requests / (seconds || 1);
  const reads = sum.hits + sum.misses;
  return (
    <tr>
      <th scope="row">
        <span className={style.name}>
          {operation} <code>{path}</code>
        </span>
      </th>
      <td title={t('traffic.ofRequests', { count: sum.requests })}>
        {rate < 10 ? rate.toFixed(1) : format.number(Math.round(rate))}
      </td>
      <td>
        <Sparkline values={parts} />
      </td>
      <td className={text.two}>{msText(p50)}</td>
      <td className={isLate ? style.late : undefined}>{msText(p95)}</td>
      <td className={text.two}>{msText(p99)}</td>
      <td>
        {objective === undefined || p95 === undefined ? (
          <span className={text.faint}>–</span>
        ) : (
          <Ticks
            label={t('traffic.p95Of', { ms: msText(p95), objective })}
            value={(p95 / objective) * 0.8}
            limit={0.8}
            tone={isLate ? 'danger' : 'accent'}
            height={8}
          />
        )}
      </td>
      <td className={join(reads === 0 && text.faint)}>
        {reads === 0 ? t('traffic.notCached') : format.percent(sum.hits / reads)}
      </td>
    </tr>
  );
}

interface OperationRowProps {
  figures: OperationFigures;
  bounds: readonly number[];
  seconds: number;
}

/** The operation of the contract that a method, such as `GetCustomer`, is. */
function operationOf(method: string): { objectiveMs?: number; path: string } {
  const id = method.replace(/^./, (letter) => letter.toLowerCase());
  if (!theContract().hasOperation(id)) return { path: '' };
  const { verb, path, objectiveMs } = theContract().operation(id);
  return { path: `${verb} ${path}`, objectiveMs };
}
