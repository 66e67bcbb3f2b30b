# Instants of local times, apart from the code that they judge: reads lines `zone local-time`, and writes instants.
import sys
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo


def instant(zone, text):
    local = datetime.fromisoformat(text)
    while True:
        # With fold 0, a time that occurs twice is the first one.
        utc = local.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(timezone.utc)
        if utc.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == local:
            return utc
        local += timedelta(minutes=1)


for line in sys.stdin:
    zone, text = line.split()
    print(instant(zone, text).strftime('%Y-%m-%dT%H:%M:%S.000Z'))
