"""Times of rules, by walking each minute of a period in the local time of a zone. Reads JSON lines, writes JSON lines."""

import json
import sys
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

days = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]

for line in sys.stdin:
    asked = json.loads(line)
    zone = ZoneInfo(asked["zone"])
    at = datetime.fromtimestamp(asked["fromMs"] / 1000, timezone.utc)
    end = datetime.fromtimestamp(asked["toMs"] / 1000, timezone.utc)
    times = []
    while at < end:
        local = at.astimezone(zone)
        fits = local.minute in asked["minutes"] and local.hour in asked["hours"] and days[local.weekday()] in asked["days"]
        # A local time that occurs twice is the earlier one.
        if fits and local.fold == 0:
            times.append(int(at.timestamp() * 1000))
        at += timedelta(minutes=1)
    print(json.dumps(times))
