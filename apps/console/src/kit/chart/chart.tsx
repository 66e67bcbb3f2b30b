import { useEffect, useRef, useState } from 'react';
import UPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { Legend } from '../panel.tsx';
import { Table } from '../table.tsx';
import { format, locale } from '../../app/language.ts';
import style from './chart.module.css';

export interface Series {
  name: string;
  /** From 1 to 6: the chart colour. */
  color: 1 | 2 | 3 | 4 | 5 | 6;
  values: readonly number[];
}

interface AreaChartProps {
  /** What the values are and their unit, for the axis and for readers. */
  title: string;
  /** Seconds since 1970, ascending. A gap of more than three seconds is left empty. */
  times: readonly number[];
  /** Stacked from the first one up. */
  series: readonly Series[];
  /** Shown width of time in seconds, up to the last time. */
  seconds: number;
}

/** Stacked areas over time. */
export function AreaChart({ title, times, series, seconds }: AreaChartProps) {
  const element = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot>(undefined);
  const [at, setAt] = useState<{ index: number; left: number }>();
  const theme = useTheme();
  const colors = series.map(({ color }) => color).join(',');
  const data = stacked(times, series);
  const end = times.at(-1) ?? 0;

  useEffect(() => {
    const target = element.current;
    if (!target) return;
    const made = new UPlot(
      optionsOf(target, colors.split(','), locale, (index, left) =>
        setAt(index === undefined ? undefined : { index, left }),
      ),
      [[]],
      target,
    );
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: target.clientWidth, height: target.clientHeight }));
    observer.observe(target);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = undefined;
    };
  }, [colors, theme]);

  useEffect(() => {
    plot.current?.batch(() => {
      plot.current?.setData(data, false);
      plot.current?.setScale('x', { min: end - seconds, max: end });
    });
  });

  return (
    <div className={style.area} role="img" aria-label={title}>
      <div ref={element} className={style.canvas} />
      {at && times[at.index] !== undefined && (
        <Reading left={at.left} time={times[at.index] ?? 0} series={series} index={at.index} />
      )}
    </div>
  );
}

interface ReadingProps {
  left: number;
  time: number;
  series: readonly Series[];
  index: number;
}

/** The values under the pointer. */
function Reading({ left, time, series, index }: ReadingProps) {
  return (
    <div className={style.reading} style={{ left: `${left}px` }}>
      <b>{timeText(time)}</b>
      {series.map(({ name, color, values }) => (
        <Legend key={name} color={`--chart-${color}`}>
          {name} <b>{format.number(Math.round(values[index] ?? 0))}</b>
        </Legend>
      ))}
    </div>
  );
}

/** The same values as a table of at most twelve rows. */
export function AreaTable({ title, times, series }: Omit<AreaChartProps, 'seconds'>) {
  const step = Math.max(1, Math.ceil(times.length / 12));
  const rows = times.map((time, index) => ({ time, index })).filter(({ index }) => index % step === 0);
  return (
    <Table
      label={title}
      heads={[title, ...series.map(({ name }) => name)]}
      rows={rows.map(({ time, index }) => [
        timeText(time),
        ...series.map(({ values }) => format.number(Math.round(values[index] ?? 0))),
      ])}
    />
  );
}

/** A line of recent values; its figures are beside it. */
export function Sparkline({ values }: { values: readonly number[] }) {
  const [most, least] = [Math.max(...values), Math.min(...values)];
  const path = values.map((value, index) => {
    const x = (index / Math.max(1, values.length - 1)) * 84 + 1;
    return `${index === 0 ? 'M' : 'L'}${x.toFixed(1)} ${(16 - ((value - least) / (most - least || 1)) * 14).toFixed(1)}`;
  });
  return (
    <svg className={style.spark} width={86} height={18} aria-hidden>
      <path d={path.join('')} />
    </svg>
  );
}

function optionsOf(
  target: HTMLElement,
  colors: readonly string[],
  locale: string,
  onCursor: (index: number | undefined, left: number) => void,
): UPlot.Options {
  const color = colorsOf(target);
  const axis = {
    stroke: color('--text-3'),
    font: `11px ${getComputedStyle(target).fontFamily}`,
    ticks: { show: false },
  };
  const grid = { stroke: color('--chart-grid'), width: 1 };
  const numbers = new Intl.NumberFormat(locale);
  return {
    width: target.clientWidth,
    height: target.clientHeight,
    legend: { show: false },
    padding: [8, 0, 0, 0],
    cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
    scales: { x: { time: true }, y: { range: (_, _min, max) => [0, Math.max(4, (max || 0) * 1.1)] } },
    axes: [
      {
        ...axis,
        grid: { show: false },
        space: 90,
        size: 26,
        values: (_, splits) => splits.map((split) => timeText(split)),
      },
      { ...axis, grid, space: 32, size: 52, values: (_, splits) => splits.map((split) => numbers.format(split)) },
    ],
    series: [
      {},
      ...colors.map((number, index) => ({
        stroke: color(`--chart-${number}`),
        width: 1.5,
        points: { show: false },
        ...(index === 0 && { fill: color('--chart-fill') }),
      })),
    ],
    bands: colors
      .slice(1)
      .map((number, index): UPlot.Band => ({ series: [index + 2, index + 1], fill: color(`--chart-${number}`, 42) })),
    hooks: {
      setCursor: [({ cursor }) => onCursor(cursor.idx ?? undefined, (cursor.left ?? 0) + 52)],
    },
  };
}

/** Tokens as colours that a canvas takes. */
function colorsOf(target: HTMLElement): (token: string, percent?: number) => string {
  return (token, percent = 100) => {
    const probe = document.createElement('span');
    probe.style.color = `color-mix(in srgb, var(${token}) ${percent}%, transparent)`;
    target.append(probe);
    const { color } = getComputedStyle(probe);
    probe.remove();
    return color;
  };
}

function stacked(times: readonly number[], series: readonly Series[]): UPlot.AlignedData {
  const sums = times.map(() => 0);
  const rows = series.map(({ values }, row) =>
    values.map((value, index) => {
      const sum = (sums[index] ?? 0) + value;
      sums[index] = sum;
      // No line where an upper part is empty: it would hide that of the part below.
      const isEmpty = row > 0 && [index - 1, index, index + 1].every((each) => (values[each] ?? 0) === 0);
      return isEmpty ? null : sum;
    }),
  );
  // A moment without values in a gap, so that no line is drawn over it.
  const gaps = times.flatMap((time, index) => (index > 0 && time - (times[index - 1] ?? 0) > 3 ? [index] : []));
  const insert = <Value,>(list: readonly Value[], of: (index: number) => Value) => {
    const copy = [...list];
    for (const index of gaps.toReversed()) copy.splice(index, 0, of(index));
    return copy;
  };
  return [
    insert(times, (index) => (times[index] ?? 0) - 1),
    ...rows.map((row) => insert<number | null>(row, () => null)),
  ] as UPlot.AlignedData;
}

function timeText(seconds: number): string {
  return new Date(seconds * 1_000).toLocaleTimeString('en-GB');
}

/** Changes when the theme does. */
function useTheme(): number {
  const [count, setCount] = useState(0);
  useEffect(() => {
    const changed = () => setCount((before) => before + 1);
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', changed);
    const observer = new MutationObserver(changed);
    observer.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    return () => {
      scheme.removeEventListener('change', changed);
      observer.disconnect();
    };
  }, []);
  return count;
}
