import { useCallback, useLayoutEffect, useRef, useState, type RefObject } from 'react';

/** Rows beyond the edges of the screen, so that a quick scroll shows no gap. */
const spareRows = 8;

interface GridWindow {
  scroller: RefObject<HTMLDivElement | null>;
  /** An element as high as a row. */
  probe: RefObject<HTMLDivElement | null>;
  rowHeight: number;
  /** Rows that are rendered: from `first` to before `end`. */
  first: number;
  end: number;
  reveal: (index: number) => void;
}

/** The part of a list that is on the screen. All rows have one height, so that no row needs to be measured. */
export function useGridWindow(rowCount: number): GridWindow {
  const scroller = useRef<HTMLDivElement>(null);
  const probe = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ rowHeight: 36, first: 0, shown: 24 });

  useLayoutEffect(() => {
    const box = scroller.current;
    const row = probe.current;
    if (!box || !row) return undefined;
    const look = () => {
      const rowHeight = row.getBoundingClientRect().height || 36;
      // A new state only where other rows come into view: most scroll events change nothing.
      const first = Math.max(0, Math.floor(box.scrollTop / rowHeight / 4) * 4);
      const shown = Math.ceil(box.clientHeight / rowHeight) + 4;
      setView((old) =>
        old.first === first && old.shown === shown && old.rowHeight === rowHeight ? old : { rowHeight, first, shown },
      );
    };
    look();
    const observer = new ResizeObserver(look);
    observer.observe(box);
    observer.observe(row);
    box.addEventListener('scroll', look, { passive: true });
    return () => {
      observer.disconnect();
      box.removeEventListener('scroll', look);
    };
  }, []);

  const { rowHeight } = view;
  const reveal = useCallback(
    (index: number) => {
      const box = scroller.current;
      if (!box) return;
      const head = Number.parseFloat(getComputedStyle(box).scrollPaddingTop) || 0;
      const top = index * rowHeight;
      const bottom = top + rowHeight + head - box.clientHeight;
      if (box.scrollTop > top) box.scrollTop = top;
      else if (box.scrollTop < bottom) box.scrollTop = bottom;
    },
    [rowHeight],
  );
  return {
    scroller,
    probe,
    rowHeight,
    first: Math.max(0, view.first - spareRows),
    end: Math.min(rowCount, view.first + view.shown + spareRows),
    reveal,
  };
}
