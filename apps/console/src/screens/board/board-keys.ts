import { useEffect } from 'react';

/** Keys of a held card, as those that React Aria listens for: it moves between columns by Tab and drops by Enter. */
const heldKeys: Readonly<Record<string, KeyboardEventInit>> = {
  ArrowRight: { key: 'Tab' },
  ArrowLeft: { key: 'Tab', shiftKey: true },
  ' ': { key: 'Enter' },
};

/** While a card is held, arrows go to the column beside and Space drops it. */
export function useHeldKeys(isHeld: boolean): void {
  useEffect(() => {
    if (!isHeld) return;
    const translate = (event: KeyboardEvent) => {
      const init = heldKeys[event.key];
      if (!init || !event.isTrusted) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      document.activeElement?.dispatchEvent(
        new KeyboardEvent(event.type, { ...init, bubbles: true, cancelable: true }),
      );
    };
    // On the window: before React Aria, which listens on the document.
    window.addEventListener('keydown', translate, true);
    window.addEventListener('keyup', translate, true);
    return () => {
      window.removeEventListener('keydown', translate, true);
      window.removeEventListener('keyup', translate, true);
    };
  }, [isHeld]);
}

/** On a card, Space lifts it, and arrows go to the card beside. */
export function pressOnCard(event: React.KeyboardEvent): void {
  const row = event.target instanceof Element ? event.target.closest<HTMLElement>('[role=row]') : null;
  if (!row || event.target !== row) return;
  if (event.key === ' ') {
    event.preventDefault();
    event.stopPropagation();
    if (event.type === 'keyup') lift(row);
  }
  if (event.type !== 'keydown' || (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight')) return;
  event.preventDefault();
  event.stopPropagation();
  cardBeside(row, event.key === 'ArrowRight' ? 1 : -1)?.focus();
}

/** Whether the held card was lifted by a key, and so goes from gap to gap. */
export const lifted = { byKey: false };

/** Presses the handle of the card, as the keyboard would. */
function lift(row: HTMLElement): void {
  lifted.byKey = true;
  const handle = row.querySelector('[slot=drag]');
  for (const type of ['keydown', 'keyup'])
    handle?.dispatchEvent(new KeyboardEvent(type, { key: 'Enter', bubbles: true, cancelable: true }));
}

/** The card at the same height in the next column that has one. */
function cardBeside(row: HTMLElement, step: 1 | -1): HTMLElement | undefined {
  const columns = [...document.querySelectorAll<HTMLElement>('[data-column]')];
  const { top } = row.getBoundingClientRect();
  for (
    let at = columns.findIndex((column) => column.contains(row)) + step;
    at >= 0 && at < columns.length;
    at += step
  ) {
    const rows = [...(columns[at]?.querySelectorAll<HTMLElement>('[role=row][data-key]') ?? [])];
    const distance = (each: HTMLElement) => Math.abs(each.getBoundingClientRect().top - top);
    const [nearest] = rows.sort((one, other) => distance(one) - distance(other));
    if (nearest) return nearest;
  }
  return undefined;
}

/** Focuses a card, once the column that has it now is drawn. */
export function focusCard(id: string): void {
  requestAnimationFrame(() =>
    requestAnimationFrame(() =>
      document.querySelector<HTMLElement>(`[role=row][data-key="${CSS.escape(id)}"]`)?.focus(),
    ),
  );
}
