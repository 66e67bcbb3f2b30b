import * as icons from '../../gen/icons.ts';
import { labels, locale } from '../../app/language.ts';
import { isJson, textAt, type Json } from '../../contract/json.ts';
import type { IconType } from '../../kit/ui.tsx';
import { units } from '../ticket/clock/sla-clock.ts';
import { kindOf } from './steps.ts';

const stepIcons: Readonly<Record<string, IconType>> = {
  ...{
    find: icons.Search,
    create: icons.FilePlus,
    update: icons.Pencil,
    upsert: icons.ArrowRightLeft,
    delete: icons.Trash,
    link: icons.Link,
  },
  ...{
    assign: icons.UserRoundCheck,
    moveStage: icons.SquareKanban,
    addTask: icons.ListChecks,
    addNote: icons.StickyNote,
  },
  ...{ reply: icons.Reply, send: icons.Send, approve: icons.CircleCheckBig, wait: icons.Clock, listen: icons.BellRing },
  ...{
    switch: icons.Split,
    for: icons.Repeat,
    fork: icons.GitFork,
    try: icons.LifeBuoy,
    do: icons.Boxes,
    set: icons.Variable,
    raise: icons.CircleAlert,
    run: icons.Play,
  },
  ...{ http: icons.Globe, connector: icons.RefreshCw, transform: icons.Braces },
};

export function iconOf(kind: string): IconType {
  return stepIcons[kind] ?? icons.Shuffle;
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
