import {
  ArrowRightLeft,
  BellRing,
  Boxes,
  Braces,
  CircleAlert,
  CircleCheckBig,
  Clock,
  FilePlus,
  GitFork,
  Globe,
  Link,
  ListChecks,
  LifeBuoy,
  Pencil,
  Play,
  RefreshCw,
  Repeat,
  Reply,
  Search,
  Send,
  Shuffle,
  Split,
  SquareKanban,
  StickyNote,
  Trash,
  UserRoundCheck,
  Variable,
} from '../../gen/icons.ts';
import { labels, locale } from '../../app/language.ts';
import { isJson, textAt, type Json } from '../../contract/json.ts';
import type { IconType } from '../../kit/ui.tsx';
import { units } from '../ticket/clock/sla-clock.ts';
import { kindOf } from './steps.ts';

const stepIcons: Readonly<Record<string, IconType>> = {
  ...{ find: Search, create: FilePlus, update: Pencil, upsert: ArrowRightLeft, delete: Trash, link: Link },
  ...{ assign: UserRoundCheck, moveStage: SquareKanban, addTask: ListChecks, addNote: StickyNote },
  ...{ reply: Reply, send: Send, approve: CircleCheckBig, wait: Clock, listen: BellRing },
  ...{
    switch: Split,
    for: Repeat,
    fork: GitFork,
    try: LifeBuoy,
    do: Boxes,
    set: Variable,
    raise: CircleAlert,
    run: Play,
  },
  ...{ http: Globe, connector: RefreshCw, transform: Braces },
};

export function iconOf(kind: string): IconType {
  return stepIcons[kind] ?? Shuffle;
}

export function nameOfStep(step: Json): string {
  const kind = kindOf(step);
  return textAt(step, 'name') || labels.field('Step', kind || 'do');
}

/** The fields that say most of what a step does, the first that it has. */
const telling = [
  ...['subject', 'text', 'question', 'url', 'stage', 'until', 'filter', 'in', 'flow', 'code', 'expression'],
  ...['associationType', 'type', 'mappingId'],
];

/** What a step does, in few words: `2 d`, or the text of its main expression. */
export function summaryOf(step: Json): string {
  const does = step[kindOf(step)];
  if (!isJson(does)) return '';
  if (typeof does.seconds === 'number') return durationText(does.seconds);
  const field = telling.find((each) => textAt(does, each) !== '');
  return field === undefined ? '' : textAt(does, field);
}

/** Such as `2 days`, in the largest unit that has a whole number. */
export function durationText(seconds: number): string {
  const [unit, one] = units.find(([, size]) => seconds >= size && seconds % size === 0) ?? units[3];
  const shown = new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'long', maximumFractionDigits: 1 });
  return shown.format(seconds / one);
}
