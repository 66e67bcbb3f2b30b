# Days of instants in time zones, apart from the code that they judge: reads lines `zone instant`, and writes the day as ISO 8601 and in words.
import sys
from datetime import datetime
from zoneinfo import ZoneInfo

MONTHS = 'January February March April May June July August September October November December'.split()

for line in sys.stdin:
    zone, text = line.split()
    day = datetime.fromisoformat(text.replace('Z', '+00:00')).astimezone(ZoneInfo(zone)).date()
    print(f'{day.isoformat()} {MONTHS[day.month - 1]} {day.day}, {day.year}')
