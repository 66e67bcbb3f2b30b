import { MessageEventVerdict as Verdict } from '@rapport/contracts/rapport/marketing/v1/message_event';
import type { MailPart } from './tracking-token.js';

/** The visits of one link, or of the image, in one burst: those that follow each other within the quiet period. */
export interface Visits {
  part: MailPart | 'IMAGE';
  /** Of the link. In HTML, 0 is the trap. */
  number: number;
  /** How many different links the part has. */
  linkCount: number;
  /** Whether programs sent them: they say so, or only they send such requests. */
  isProgram: boolean;
  firstMs: number;
  lastMs: number;
}

/** What is made of the visits of a link, or of the image, in a burst. */
export interface Judgement {
  /** Undefined for the image. */
  number: number | undefined;
  verdict: Verdict;
  timeMs: number;
}

/** Nobody reads a mail so soon: what comes before is on the way to the mailbox. */
const deliveryMs = 10_000;

/** Nobody follows all links so fast. */
const allAtOnceMs = 5_000;

/**
 * Judges the visits of a recipient's mail. A click is HUMAN if nothing speaks for a program, and something speaks against one: in the same
 * burst nobody followed the trap, which is in the HTML before all other links. A scanner that follows each link follows the trap too.
 * All other visits are MACHINE, or UNSURE where the trap cannot show a scanner:
 *
 * - MACHINE: all visits of a burst with the trap, or with all of several links within five seconds; visits that programs sent; visits
 *   before the tenth second after the mail was handed over.
 * - UNSURE: links of the text, which has no trap; all of several links in one burst; a mail whose outcome is not known; the image.
 *
 * @param handOverMs undefined for a mail whose outcome is not known yet
 */
export function judgeVisits(visits: readonly Visits[], handOverMs: number | undefined): Judgement[] {
  const isScan = visits.some(isTrap) || isAllAtOnce(visits);
  const atMost = (visit: Visits) => {
    const isEarly = handOverMs !== undefined && visit.lastMs < handOverMs + deliveryMs;
    if (isScan || visit.isProgram || isEarly) return Verdict.MACHINE;
    const isShown = handOverMs !== undefined && visit.part === 'HTML' && !isEveryLink(visits, 'HTML');
    return isShown ? Verdict.HUMAN : Verdict.UNSURE;
  };
  const judged = new Map<number | undefined, Judgement>();
  for (const visit of visits) {
    if (isTrap(visit)) continue;
    const number = visit.part === 'IMAGE' ? undefined : visit.number;
    const [known, verdict] = [judged.get(number), atMost(visit)];
    if (known && rank(known.verdict) >= rank(verdict)) continue;
    judged.set(number, { number, verdict, timeMs: visit.firstMs });
  }
  return [...judged.values()];
}

function isTrap({ part, number }: Visits): boolean {
  return part === 'HTML' && number === 0;
}

/** Whether all links of a part with several were followed at once. */
function isAllAtOnce(visits: readonly Visits[]): boolean {
  return (['HTML', 'TEXT'] as const).some((part) => {
    const times = visits.filter((visit) => visit.part === part).map(({ firstMs }) => firstMs);
    return isEveryLink(visits, part) && Math.max(...times) - Math.min(...times) < allAtOnceMs;
  });
}

function isEveryLink(visits: readonly Visits[], part: MailPart): boolean {
  const ofPart = visits.filter((visit) => visit.part === part && visit.number > 0);
  const [count] = ofPart.map(({ linkCount }) => linkCount);
  return count !== undefined && count > 1 && new Set(ofPart.map(({ number }) => number)).size === count;
}

function rank(verdict: Verdict): number {
  return [Verdict.MACHINE, Verdict.UNSURE, Verdict.HUMAN].indexOf(verdict);
}
