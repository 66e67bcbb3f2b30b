"""RFC 5545 section 3.3.10 by brute force: looks at each date, with no shortcut and no library for rules.

A date belongs to its period (day, week, month, year of INTERVAL) if it satisfies each BY part. Times of the dates are
mapped to instants: a time in a gap is none, a time that occurs twice is the earlier one. BYSETPOS picks from the instants
of a period, then those before DTSTART drop out, then COUNT and UNTIL end the rule, then RDATE and EXDATE apply.

Reads a batch of cases a line, writes the answers a line. Times are seconds since 1970.
"""

import calendar
import json
import sys
from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
ZONES = {}


def zone(name):
    if name not in ZONES:
        ZONES[name] = ZoneInfo(name)
    return ZONES[name]


def seconds(local):
    return int((local - EPOCH).total_seconds())


def instant(local, tz):
    """None in a gap: then the way back through UTC leads elsewhere."""
    at = local.replace(tzinfo=tz)
    back = at.astimezone(timezone.utc).astimezone(tz)
    return seconds(at) if back.replace(tzinfo=None) == local else None


def parse(rule):
    return dict(part.split("=") for part in rule.split(";"))


def numbers(parts, name):
    return [int(each) for each in parts[name].split(",")] if name in parts else None


def week_start(day, wkst):
    return day - timedelta(days=(day.weekday() - wkst) % 7)


def first_week(year, wkst):
    """The first week with at least four days in the year."""
    return week_start(date(year, 1, 4), wkst)


def week_number(day, wkst):
    """The number of the week, and how many weeks its year has."""
    year = day.year
    if day >= first_week(year + 1, wkst):
        year += 1
    elif day < first_week(year, wkst):
        year -= 1
    first = first_week(year, wkst)
    return (week_start(day, wkst) - first).days // 7 + 1, (first_week(year + 1, wkst) - first).days // 7


def either_end(value, length, wanted):
    return value in wanted or value - length - 1 in wanted


class Rule:
    def __init__(self, text, start):
        parts = parse(text)
        self.freq = parts["FREQ"]
        self.interval = int(parts.get("INTERVAL", 1))
        self.wkst = DAYS.index(parts.get("WKST", "MO"))
        self.count = int(parts["COUNT"]) if "COUNT" in parts else None
        until = parts.get("UNTIL")
        self.until = until and seconds(datetime.strptime(until, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc))
        self.month = numbers(parts, "BYMONTH")
        self.monthday = numbers(parts, "BYMONTHDAY")
        self.yearday = numbers(parts, "BYYEARDAY")
        self.weekno = numbers(parts, "BYWEEKNO")
        self.setpos = numbers(parts, "BYSETPOS")
        self.day = [(int(each[:-2] or 0), DAYS.index(each[-2:])) for each in parts["BYDAY"].split(",")] if "BYDAY" in parts else None
        self.times = sorted(
            (hour, minute, second)
            for hour in numbers(parts, "BYHOUR") or [start.hour]
            for minute in numbers(parts, "BYMINUTE") or [start.minute]
            for second in numbers(parts, "BYSECOND") or [start.second]
        )
        self.times = sorted(set(self.times))
        self.start = start.date()
        # What the rule leaves open comes from DTSTART.
        if self.freq == "WEEKLY" and self.day is None:
            self.day = [(0, start.weekday())]
        if self.freq == "MONTHLY" and self.day is None and self.monthday is None:
            self.monthday = [start.day]
        if self.freq == "YEARLY" and self.day is None and self.monthday is None and self.yearday is None:
            if self.weekno is not None:
                self.day = [(0, start.weekday())]
            else:
                self.monthday = [start.day]
                if self.month is None:
                    self.month = [start.month]

    def period(self, day):
        """The number of the period since that of DTSTART."""
        if self.freq == "DAILY":
            return (day - self.start).days
        if self.freq == "WEEKLY":
            return (week_start(day, self.wkst) - week_start(self.start, self.wkst)).days // 7
        if self.freq == "MONTHLY":
            return (day.year - self.start.year) * 12 + day.month - self.start.month
        return day.year - self.start.year

    def has(self, day):
        if self.month is not None and day.month not in self.month:
            return False
        if self.day is not None and all(weekday != day.weekday() for _, weekday in self.day):
            return False
        length = calendar.monthrange(day.year, day.month)[1]
        year_length = 366 if calendar.isleap(day.year) else 365
        year_day = day.toordinal() - date(day.year, 1, 1).toordinal() + 1
        if self.monthday is not None and not either_end(day.day, length, self.monthday):
            return False
        if self.yearday is not None and not either_end(year_day, year_length, self.yearday):
            return False
        if self.weekno is not None and not either_end(*week_number(day, self.wkst), self.weekno):
            return False
        if self.day is None:
            return True
        in_month = self.freq == "MONTHLY" or self.month is not None
        place, size = (day.day, length) if in_month else (year_day, year_length)
        ordinals = {0, (place - 1) // 7 + 1, -((size - place) // 7 + 1)}
        return any(weekday == day.weekday() and ordinal in ordinals for ordinal, weekday in self.day)


def occurrences(case):
    tz = zone(case["zone"])
    start = datetime.strptime(case["dtstart"], "%Y-%m-%dT%H:%M:%S")
    rule = Rule(case["rrule"], start)
    first = instant(start, tz)
    end = case["to"]
    # A period begins before DTSTART, and one that ends after the window counts whole.
    longest = {"YEARLY": 366, "MONTHLY": 31, "WEEKLY": 7, "DAILY": 1}[rule.freq]
    day = start.date() - timedelta(days=longest)
    last = (EPOCH + timedelta(seconds=end)).date() + timedelta(days=longest + 1)
    found, period, members = [], None, []

    def close():
        chosen = members
        if rule.setpos is not None:
            size = len(members)
            places = {each - 1 if each > 0 else size + each for each in rule.setpos}
            chosen = [member for place, member in enumerate(members) if place in places]
        found.extend(member for member in chosen if member >= first)

    while day <= last:
        number = rule.period(day)
        if number != period:
            close()
            period, members = number, []
        if number % rule.interval == 0 and rule.has(day):
            for hour, minute, second in rule.times:
                at = instant(datetime(day.year, day.month, day.day, hour, minute, second), tz)
                if at is not None:
                    members.append(at)
        day += timedelta(days=1)
    close()
    if rule.count is not None:
        found = found[: rule.count]
    if rule.until is not None:
        found = [each for each in found if each <= rule.until]
    stated = lambda name: {
        seconds(datetime.strptime(each, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=tz)) for each in case.get(name, [])
    }
    return sorted((set(found) | stated("rdates")) - stated("exdates"))


def answer(case):
    every = [each for each in occurrences(case) if each < case["to"]]
    after = [each for each in every if each > case["after"]]
    before = [each for each in every if each <= case["after"]]
    return {
        "expanded": [each for each in every if each >= case["from"]],
        "next": after[0] if after else None,
        "last": before[-1] if before else None,
    }


for line in sys.stdin:
    print(json.dumps([answer(case) for case in json.loads(line)["cases"]]))
