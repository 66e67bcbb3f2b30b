"""Windows of a calendar as instants. Shares nothing with the library: zoneinfo, no tables, no search. Times are seconds since 1970."""

from datetime import datetime, timedelta, timezone
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


def united_windows(calendar, start, days):
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
