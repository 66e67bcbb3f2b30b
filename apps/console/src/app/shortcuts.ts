import { useEffect, useEffectEvent } from 'react';
import { storeOf } from './store.ts';

interface Shortcut {
  /** Such as `e`, `mod+k` (⌘ or Ctrl), `shift+enter`, or `g c` for one key after the other. */
  keys: string;
  /** Key of its name in the catalogs, or the name itself. */
  name: string;
  run: (event: KeyboardEvent) => void;
}

const active = new Set<Shortcut>();
const shown = storeOf<readonly Shortcut[]>([]);
/** The first key of a pair, such as `g`, until the next key or a second has passed. */
let first: { key: string; at: number } | undefined;

/** Has a key do something as long as the component is shown. Keys typed into a text, and held modifiers, do nothing unless named. */
export function useShortcut(keys: string, name: string, run: (event: KeyboardEvent) => void, isEnabled = true): void {
  const onPress = useEffectEvent(run);
  useEffect(() => {
    if (!isEnabled) return undefined;
    const shortcut = { keys, name, run: (event: KeyboardEvent) => onPress(event) };
    change(() => active.add(shortcut));
    return () => change(() => active.delete(shortcut));
  }, [keys, name, isEnabled]);
}

/** The keys that do something now, for the help. */
export const useShortcuts = shown.useValue;

/** Puts the focus on the screen, where its keys work, when what had it is gone. */
export function focusMain(): void {
  if (document.activeElement === document.body) document.getElementById('main')?.focus({ preventScroll: true });
}

/** Such as `⌘ K` for `mod+k`. */
export function keyText(keys: string): string {
  const isApple = /Mac|iP/.test(navigator.platform);
  const names: Readonly<Record<string, string>> = {
    mod: isApple ? '⌘' : 'Ctrl',
    shift: '⇧',
    enter: '↵',
    escape: 'Esc',
    arrowup: '↑',
    arrowdown: '↓',
    arrowleft: '←',
    arrowright: '→',
    pageup: 'PgUp',
    pagedown: 'PgDn',
    ' ': 'Space',
  };
  return keys
    .split(/(?<=.)[+ ](?=.)/)
    .map((key) => names[key] ?? key.toUpperCase())
    .join(' ');
}

/** Listens to the keys of the page; returns what ends it. */
export function listenToKeys(): () => void {
  document.addEventListener('keydown', onModKeyDown, true);
  document.addEventListener('keydown', onKeyDown);
  return () => {
    document.removeEventListener('keydown', onModKeyDown, true);
    document.removeEventListener('keydown', onKeyDown);
  };
}

/** Lists take Enter for themselves, also with ⌘: so keys with ⌘ come before what has the focus. */
function onModKeyDown(event: KeyboardEvent): void {
  if (keyOf(event).startsWith('mod+')) onKeyDown(event);
}

function onKeyDown(event: KeyboardEvent): void {
  // A field that searches a menu repeats its keys at the item that is marked there.
  if (event.defaultPrevented || event.isComposing || !event.isTrusted) return;
  const key = keyOf(event);
  if (isTaken(event) && !key.startsWith('mod+')) return;
  const pair = first && event.timeStamp - first.at < 1_000 ? `${first.key} ${key}` : key;
  // The latest wins: a dialog's over the screen's.
  const found = [...active].toReversed().find(({ keys }) => keys === pair);
  const begins = [...active].some(({ keys }) => keys.startsWith(`${key} `));
  first = found === undefined && begins ? { key, at: event.timeStamp } : undefined;
  if (!found) return;
  event.preventDefault();
  found.run(event);
}

function keyOf({ key, metaKey, ctrlKey, shiftKey, altKey }: KeyboardEvent): string {
  const name = key.toLowerCase();
  const parts = [
    metaKey || ctrlKey ? 'mod' : '',
    altKey ? 'alt' : '',
    shiftKey && name.length > 1 ? 'shift' : '',
    name,
  ];
  return parts.filter((part) => part !== '').join('+');
}

/** Whether the key is for what has the focus: a text takes all, a checkbox that of the space. */
function isTaken({ target, key }: KeyboardEvent): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement && target.type === 'checkbox') return key === ' ';
  return target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName);
}

function change(apply: () => void): void {
  apply();
  shown.set([...active]);
}
