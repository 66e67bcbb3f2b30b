"""Business time by walking from window to window. Shares nothing with the library: zoneinfo, no tables, no search.

Reads a batch of cases a line, writes the answers a line. Times are seconds since 1970.
"""

import json
import sys
from datetime import timedelta

from business_time_windows import EPOCH, united_windows, zone


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
    found = united_windows(case["calendar"], case["from"], case["days"])
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
