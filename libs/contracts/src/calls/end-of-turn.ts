/** Callbacks at the end of this turn of the event loop: first those that make calls, then those that send them. */
const endOfTurn: Record<'makes' | 'sends', (() => void)[]> = { makes: [], sends: [] };
let isTurnEnding = false;

/** Calls back at the end of this turn of the event loop, before the calls that were made in it are sent. */
export function atEndOfTurn(make: () => void): void {
  endOfTurn.makes.push(make);
  endTurnSoon();
}

/** Calls back at the end of this turn, after the calls of the turn were made. */
export function sendAtEndOfTurn(send: () => void): void {
  endOfTurn.sends.push(send);
  endTurnSoon();
}

function endTurnSoon(): void {
  if (isTurnEnding) return;
  isTurnEnding = true;
  setImmediate(() => {
    for (const kind of ['makes', 'sends'] as const) {
      const due = endOfTurn[kind];
      endOfTurn[kind] = [];
      for (const each of due) each();
    }
    isTurnEnding = false;
    if (endOfTurn.makes.length + endOfTurn.sends.length > 0) endTurnSoon();
  });
}
