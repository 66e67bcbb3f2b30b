import {
  AssignmentDecision,
  AssignmentSkipReason,
  type AssignmentSkip,
} from '@rapport/contracts/rapport/work/v1/assignment';
import {
  AssignmentMethod,
  type AssignmentMember,
  type AssignmentRule,
} from '@rapport/contracts/rapport/work/v1/assignment_rule';

/** A member's place in the turns of a rule. */
export interface MemberTurn {
  /** Number of the member's last turn. */
  turn: number;
  /** Virtual time at which its next turn is due, in units of `unit`. */
  due: number;
}

/** The turns of a rule: start-time fair queueing of its members (Goyal, Vin and Cheng, 1996). */
export interface RuleTurns {
  /** Number of the last turn. */
  turn: number;
  /** Virtual time: when the last turn was due. */
  time: number;
  /** By user id. A member that has had no turn yet is absent. */
  members: Readonly<Record<string, MemberTurn>>;
}

/** The choice of an owner. */
export interface Choice {
  /** Absent for NO_MEMBER. */
  userId: string | undefined;
  decision: AssignmentDecision;
  skipped: AssignmentSkip[];
}

/** The facts that decide which members of a rule can get records. */
export interface Availability {
  open?: ReadonlyMap<string, number>;
  offHours?: ReadonlySet<string>;
  inactive?: ReadonlySet<string>;
}

/** Users that own records of the customer of a record. */
export interface Acquaintances {
  /** The owner of the customer. */
  customerOwner?: string | undefined;
  /** The owner of the newest record with the same customer. */
  sameCustomer?: string | undefined;
}

const noTurns: RuleTurns = { turn: 0, time: 0, members: {} };

/** Virtual time of a turn at weight 1. A multiple of most weights up to 100: a rounded interval makes shares inexact by less than 1 in 10,000. */
const unit = 720_720;

/**
 * The choices of one rule, each based on those before it.
 *
 * Members take turns in the order of the virtual times at which their turns are due. A turn advances the due time of a member
 * by `unit / weight`. With equal weights this is a strict rotation, so between two turns of a member every other one has
 * exactly one. A member that was skipped or is new is due now: it misses no turn and gets none in arrears.
 */
export class RuleChoices {
  #turn: number;
  #time: number;
  readonly #members: Map<string, MemberTurn>;
  readonly #open: Map<string, number>;
  readonly #offHours: ReadonlySet<string>;
  readonly #inactive: ReadonlySet<string>;

  /**
   * @param open number of open records by user; needed if `needsCounts`
   * @param offHours ids of the calendars without business hours now
   * @param inactive ids of the users that are disabled or deleted
   */
  constructor(
    private readonly rule: AssignmentRule,
    turns: RuleTurns = noTurns,
    { open, offHours, inactive }: Availability = {},
  ) {
    this.#open = new Map(open);
    this.#offHours = offHours ?? new Set();
    this.#inactive = inactive ?? new Set();
    this.#turn = turns.turn;
    this.#time = turns.time;
    // A member that left is new when it is added again.
    const own = new Set(rule.members.map(({ userId }) => userId));
    this.#members = new Map(Object.entries(turns.members).filter(([userId]) => own.has(userId)));
  }

  /** The turns after all choices. */
  get turns(): RuleTurns {
    return { turn: this.#turn, time: this.#time, members: Object.fromEntries(this.#members) };
  }

  choose(known: Acquaintances = {}): Choice {
    const skipped: AssignmentSkip[] = [];
    const able = this.rule.members.filter((member) => {
      const reason = this.#skipReason(member);
      if (reason !== undefined) skipped.push({ userId: member.userId, reason });
      return reason === undefined;
    });
    const { userId, decision } = able.length > 0 ? this.#chosen(able, known) : this.#fallback(skipped);
    if (userId !== undefined) this.#open.set(userId, this.#openOf(userId) + 1);
    return { userId, decision, skipped };
  }

  /** The choice when no member is able: the fallback, unless it is disabled or deleted. */
  #fallback(skipped: AssignmentSkip[]): Omit<Choice, 'skipped'> {
    const { fallbackUserId: userId } = this.rule;
    if (userId === undefined) return { userId, decision: AssignmentDecision.NO_MEMBER };
    if (!this.#inactive.has(userId)) return { userId, decision: AssignmentDecision.FALLBACK };
    const isMember = skipped.some((each) => each.userId === userId);
    if (!isMember) skipped.push({ userId, reason: AssignmentSkipReason.INACTIVE });
    return { userId: undefined, decision: AssignmentDecision.NO_MEMBER };
  }

  /** @param able at least one member */
  #chosen(able: readonly AssignmentMember[], known: Acquaintances): Omit<Choice, 'skipped'> {
    switch (this.rule.method) {
      case AssignmentMethod.FIXED:
        return { userId: able[0]?.userId, decision: AssignmentDecision.FIRST_MEMBER };
      case AssignmentMethod.STICKY:
        return acquainted(able, known) ?? { userId: this.#next(able), decision: AssignmentDecision.TURN };
      case AssignmentMethod.LEAST_OPEN: {
        const fewest = Math.min(...able.map(({ userId }) => this.#openOf(userId)));
        const least = able.filter(({ userId }) => this.#openOf(userId) === fewest);
        return { userId: this.#next(least), decision: AssignmentDecision.FEWEST_OPEN };
      }
      default:
        return { userId: this.#next(able), decision: AssignmentDecision.TURN };
    }
  }

  /** The member whose turn is due first; of several, the one whose last turn is longest ago. Takes the turn. */
  #next(able: readonly AssignmentMember[]): string {
    const places = able.map(({ userId, weight }) => {
      const { turn: last, due } = this.#members.get(userId) ?? { turn: 0, due: 0 };
      return { userId, last, start: Math.max(due, this.#time), interval: this.#interval(weight) };
    });
    const next = places.reduce((best, place) =>
      place.start < best.start || (place.start === best.start && place.last < best.last) ? place : best,
    );
    this.#turn += 1;
    this.#time = next.start;
    this.#members.set(next.userId, { turn: this.#turn, due: next.start + next.interval });
    return next.userId;
  }

  #interval(weight = 1): number {
    return this.rule.method === AssignmentMethod.WEIGHTED ? Math.round(unit / weight) : unit;
  }

  #skipReason({ userId, paused, capacity, calendarId }: AssignmentMember): AssignmentSkipReason | undefined {
    // First, because no change of the rule would let the user get records.
    if (this.#inactive.has(userId)) return AssignmentSkipReason.INACTIVE;
    if (paused) return AssignmentSkipReason.PAUSED;
    if (calendarId !== undefined && this.#offHours.has(calendarId)) return AssignmentSkipReason.OFF_HOURS;
    const isFull = capacity !== undefined && this.#openOf(userId) >= capacity;
    return isFull ? AssignmentSkipReason.AT_CAPACITY : undefined;
  }

  #openOf(userId: string): number {
    return this.#open.get(userId) ?? 0;
  }
}

/** Whether choices of a rule depend on the numbers of open records. */
export function needsCounts({ method, members }: AssignmentRule): boolean {
  return method === AssignmentMethod.LEAST_OPEN || members.some(({ capacity }) => capacity !== undefined);
}

function acquainted(
  able: readonly AssignmentMember[],
  { customerOwner, sameCustomer }: Acquaintances,
): Omit<Choice, 'skipped'> | undefined {
  const isAble = (userId: string | undefined) => able.some((member) => member.userId === userId);
  if (isAble(customerOwner)) return { userId: customerOwner, decision: AssignmentDecision.CUSTOMER_OWNER };
  return isAble(sameCustomer) ? { userId: sameCustomer, decision: AssignmentDecision.SAME_CUSTOMER } : undefined;
}
