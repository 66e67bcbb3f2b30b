"""Timers of tickets by looking back from each event, and by walking from instant to instant.

Shares nothing with the library: no running state, no due times that are kept, no search. What was undone is removed from the
history before anything is looked at. Reads a batch of histories a line, writes their timers a line. Times are milliseconds.
"""

import json
import sys
from bisect import bisect_right

from business_time_windows import united_windows

METRICS = ["FIRST_RESPONSE", "NEXT_RESPONSE", "PERIODIC_UPDATE", "RESOLUTION", "AGENT_WORK"]
DONE = ("SOLVED", "CLOSED")
UNDOING = {"MERGED": "UNMERGED", "DELETED": "UNDELETED"}


def without_undone(events):
    """The events as though nothing that was undone had happened, and the event that ended all, if any."""
    flat = [[index, change] for index, event in enumerate(events) for change in event["changes"]]
    place = 0
    while place < len(flat):
        kind = flat[place][1]["kind"]
        if kind in UNDOING:
            later = [at for at in range(place, len(flat)) if flat[at][1]["kind"] == UNDOING[kind]]
            if not later:
                last = flat[place][0]
                kept = [[at, change] for at, change in flat[:place]]
                return grouped(events, kept, last + 1), (last, kind)
            flat = flat[:place] + flat[place + 1 : later[0]] + flat[later[0] + 1 :]
        else:
            place += 1
    return grouped(events, flat, len(events)), None


def grouped(events, flat, count):
    return [
        {"t": event["timeMs"], "changes": [change for at, change in flat if at == index]}
        for index, event in enumerate(events[:count])
    ]


class History:
    def __init__(self, events, case):
        self.events = events
        self.case = case
        self.kept = {}
        self.moves = [(index, change) for index, event in enumerate(events) for change in event["changes"]]

    def time(self, index):
        return self.events[index]["t"]

    def before(self, index):
        """Changes until an event, with their places in the history."""
        if index not in self.kept:
            self.kept[index] = [(place, at, change) for place, (at, change) in enumerate(self.moves) if at <= index]
        return self.kept[index]

    def latest(self, index, kind, field, otherwise):
        for _, _, change in reversed(self.before(index)):
            if change["kind"] == kind or (kind != "POLICY" and change["kind"] == "CREATED"):
                return change.get(field)
        return otherwise

    def category(self, index):
        return self.latest(index, "STATUS", "category", None)

    def rule(self, index, metric):
        policy = self.latest(index, "POLICY", "policy", None)
        if policy is None:
            return None
        priority = self.latest(index, "PRIORITY", "priority", None)
        own, general = None, None
        for target in self.case["policies"][policy]["targets"]:
            if target["metric"] == metric and target.get("priority") == priority and own is None:
                own = target
            if target["metric"] == metric and target.get("priority") is None and general is None:
                general = target
        target = own or general
        if target is None:
            return None
        calendars = {}
        for _, _, change in self.before(index):
            if change["kind"] == "CALENDARS":
                calendars.update(change["calendars"])
        key = calendars[target["calendarId"]] if target.get("calendarId") else None
        return {"policy": policy, "target": target, "calendar": key}

    def solutions(self, index):
        """Places at which the ticket was solved, and those at which it was reopened with their times."""
        solved, reopened, category = [], [], None
        for place, at, change in self.before(index):
            if change["kind"] in ("CREATED", "STATUS"):
                if category is not None and category not in DONE and change["category"] in DONE:
                    solved.append(place)
                if category in DONE and change["category"] not in DONE:
                    reopened.append(self.time(at))
                category = change["category"]
        return solved, reopened

    def span(self, index, metric, target):
        """When what is measured began, if it goes on."""
        created = self.moves[0][1]
        asks = [(place, at) for place, at, change in self.before(index) if change["kind"] == "CUSTOMER_MESSAGE"]
        replies = [
            (place, at)
            for place, at, change in self.before(index)
            if change["kind"] == "PUBLIC_REPLY" and (change["by"] == "HUMAN" or target["countMachine"])
        ]
        if created["by"] == "CUSTOMER":
            awaited = (0, 0)
        else:
            awaited = asks[0] if asks else None
        response = next((reply for reply in replies if awaited and reply[0] > awaited[0]), None)
        solved, reopened = self.solutions(index)
        last_solved = solved[-1] if solved else -1
        if metric == "NEXT_RESPONSE":
            if response is None:
                return None
            since = max(replies[-1][0], last_solved)
            waiting = [at for place, at in asks if place > since]
            return self.time(waiting[0]) if waiting else None
        if metric == "PERIODIC_UPDATE":
            return self.time(replies[-1][1]) if replies and replies[-1][0] > last_solved else None
        if metric == "FIRST_RESPONSE":
            if awaited is None or response is not None:
                return None
            start = self.time(awaited[1])
        else:
            start = self.time(0)
        if target["onReopen"] == "RESTART" and reopened:
            start = max(start, reopened[-1])
        return start

    def categories(self, start, end):
        """Stretches of time by category."""
        for index in range(len(self.events)):
            first = max(start, self.time(index))
            last = min(end, self.time(index + 1) if index + 1 < len(self.events) else end)
            if first < last:
                yield first, last, self.category(index)


def runs(target, category):
    if category in DONE or category in target["pauseIn"]:
        return False
    return target["metric"] != "AGENT_WORK" or category in ("NEW", "OPEN")


class Timer:
    """A timer, walked on as the history goes on."""

    def __init__(self, metric, cycle, start, walker):
        self.metric, self.cycle, self.start, self.walker = metric, cycle, start, walker
        self.total, self.breach, self.warned = 0, None, {}
        self.rule, self.running, self.end, self.end_at, self.due = None, False, None, None, None

    def count(self, start, end, rule):
        """Counts past time, in which nothing can be due any more."""
        self.total += sum(last - first for first, last in self.walker(rule["calendar"], start, end))

    def walk(self, start, end):
        if not self.running:
            self.due = None if self.breach is None else self.breach
            return
        within, rule = self.rule["target"]["withinMs"], self.rule
        self.due = self.breach if self.breach is not None else self.reached(start, within - self.total)
        if self.breach is None and self.total < within:
            for before in rule["target"]["warnBeforeMs"]:
                at = self.reached(start, within - before - self.total)
                if before not in self.warned and at is not None and at <= end:
                    self.warned[before] = at
        if self.breach is None and self.due is not None and self.due <= end:
            self.breach = self.due
        self.count(start, end, rule)

    def reached(self, start, rest):
        """The first instant at which a rest has passed."""
        if rest <= 0:
            return start
        for first, last in self.walker(self.rule["calendar"], start, None):
            if last - first >= rest:
                return first + rest
            rest -= last - first
        return None

    def answer(self):
        warned = sorted([before, at] for before, at in self.warned.items())
        return {
            "metric": self.metric, "cycle": self.cycle, "start": self.start, "consumed": self.total,
            "running": self.running and self.end is None, "due": self.due, "breach": self.breach,
            "end": self.end, "endTime": self.end_at, "warned": warned,
        }


def timers_of(case, walker):
    events, final = without_undone(case["events"])
    history = History(events, case)
    found = []
    for metric in METRICS:
        lives = []
        for index in range(len(events)):
            step(history, metric, lives, index, walker)
            live = lives[-1] if lives and lives[-1].end is None else None
            if final and final[0] == index:
                if live:
                    live.walk(history.time(index), history.time(index))
                    live.end, live.end_at = final[1], history.time(index)
                break
            if live:
                end = history.time(index + 1) if index + 1 < len(events) else case["endMs"]
                live.walk(history.time(index), end)
        found += lives
    return [each.answer() for each in found]


def step(history, metric, lives, index, walker):
    """What an event does to the timers of a metric."""
    now = history.time(index)
    live = lives[-1] if lives and lives[-1].end is None else None
    category = history.category(index - 1) if index > 0 else None
    for change in history.events[index]["changes"]:
        if live and change["kind"] == "STATUS" and change["category"] in DONE and category not in DONE:
            live.end, live.end_at, live = "SOLVED", now, None
        if live and change["kind"] == "PUBLIC_REPLY" and metric not in ("RESOLUTION", "AGENT_WORK"):
            if change["by"] == "HUMAN" or live.rule["target"]["countMachine"]:
                live.end, live.end_at, live = "ANSWERED", now, None
    rule = history.rule(index, metric)
    start = history.span(index, metric, rule["target"]) if rule else None
    if start is None:
        if live:
            live.end, live.end_at = "NO_TARGET", now
        return
    category = history.category(index)
    if live is None:
        if category in DONE:
            return
        live = begin(history, metric, lives, rule, start, now, walker)
        lives.append(live)
    live.rule, live.running = rule, runs(rule["target"], category)


def begin(history, metric, lives, rule, start, now, walker):
    last = lives[-1] if lives else None
    goes_on = last is not None and (
        (last.end in ("SOLVED", "NO_TARGET") and last.start == start)
        or (
            last.end == "SOLVED"
            and metric in ("FIRST_RESPONSE", "RESOLUTION", "AGENT_WORK")
            and rule["target"]["onReopen"] == "CONTINUE"
        )
    )
    timer = Timer(metric, len(lives) + 1, last.start if goes_on else start, walker)
    if goes_on:
        timer.total, timer.breach, timer.warned = last.total, last.breach, dict(last.warned)
    for first, end, category in history.categories(last.end_at if goes_on else start, now):
        if runs(rule["target"], category):
            timer.count(first, end, rule)
    return timer


def walker_of(windows):
    """Open times from a start until an end, or until the last known window."""

    def walk(calendar, start, end):
        if calendar is None:
            yield start, 10**18 if end is None else end
            return
        known = windows[calendar]
        for opens, closes in known[max(0, bisect_right(known, [start]) - 1) :]:
            if end is not None and opens >= end:
                return
            first, last = max(opens, start), closes if end is None else min(closes, end)
            if first < last:
                yield first, last

    return walk


for line in sys.stdin:
    batch = json.loads(line)
    windows = {
        key: [[opens * 1000, closes * 1000] for opens, closes in united_windows(rule, batch["fromSeconds"], batch["days"])]
        for key, rule in batch["calendars"].items()
    }
    print(json.dumps([timers_of({**case, "policies": batch["policies"]}, walker_of(windows)) for case in batch["cases"]]))
