"""Business time by walking from window to window. Shares nothing with the library: zoneinfo, no tables, no search.

Reads a batch of cases a line, writes the answers a line. Times are seconds since 1970.
"""

import json
import sys
from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
ZONES = {}


def zone(name):
    if name not in ZONES:
        ZONES[name] = ZoneInfo(name)
    return ZONES[name]


def instant(day, text, tz):
    """PEP 495: fold=0 is the earlier of two times, and moves a time in a gap by its length."""
    hours, minutes = int(text[:2]), int(text[3:])
    if hours == 24:
        day, hours = day + timedelta(days=1), 0
    local = datetime(day.year, day.month, day.day, hours, minutes, tzinfo=tz)
    return int((local - EPOCH).total_seconds())


def windows(calendar, start, days):
    """Windows of the dates around `start` as instants, united where they meet."""
    tz = zone(calendar["zone"])
    exceptions = {each["date"]: each["windows"] for each in calendar["exceptions"]}
    first = (EPOCH + timedelta(seconds=start)).date() - timedelta(days=3)
    found = []
    for offset in range(days + 6):
        day = first + timedelta(days=offset)
        stated = exceptions.get(day.isoformat())
        if stated is None:
            stated = [each for each in calendar["weekly"] if each["day"] == day.isoweekday()]
        for each in stated:
            opens, closes = instant(day, each["opens"], tz), instant(day, each["closes"], tz)
            if opens < closes:
                found.append([opens, closes])
    found.sort()
    united = []
    for opens, closes in found:
        if united and opens <= united[-1][1]:
            united[-1][1] = max(united[-1][1], closes)
        else:
            united.append([opens, closes])
    return united


def measure(all_windows, start, end):
    return sum(max(0, min(closes, end) - max(opens, start)) for opens, closes in all_windows)


def due(all_windows, start, duration):
    if duration == 0:
        return start
    rest = duration
    for opens, closes in all_windows:
        opens = max(opens, start)
        if closes <= opens:
            continue
        if closes - opens >= rest:
            return opens + rest
        rest -= closes - opens
    return None


def answer(case):
    found = windows(case["calendar"], case["from"], case["days"])
    at = due(found, case["from"], case["duration"])
    walked = case["from"] + case["days"] * 86400
    return [measure(found, case["from"], case["to"]), at if at is not None and at <= walked else None]


def transitions(name, first, last):
    """Offsets of a zone by the hour, as differences from the hour before."""
    tz = zone(name)
    changes, offset = [], None
    for at in range(first, last, 3600):
        current = int((EPOCH + timedelta(seconds=at)).astimezone(tz).utcoffset().total_seconds())
        if current != offset:
            changes.append([at, current])
            offset = current
    return changes


for line in sys.stdin:
    batch = json.loads(line)
    if "zone" in batch:
        print(json.dumps(transitions(batch["zone"], batch["first"], batch["last"])))
    else:
        print(json.dumps([answer(case) for case in batch["cases"]]))
