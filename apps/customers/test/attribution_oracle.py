"""Divides amounts among touchpoints with rational numbers: reads deals as JSON, writes the shares.

Written apart from divide-amount.ts: remainders are compared as fractions, and the weights of DECAY come from decimals of 80 digits.
"""

import json
import sys
from decimal import ROUND_FLOOR, Decimal, getcontext
from fractions import Fraction

getcontext().prec = 120

DAY_MS = 86_400_000


def decay(days):
    scaled = Decimal(2) ** (Decimal(104) - Decimal(days % 7) / Decimal(7))
    return Fraction(int(scaled.to_integral_value(ROUND_FLOOR)) // 2 ** (days // 7))


def weights(model, times, won):
    count = len(times)
    if model == "FIRST":
        return [Fraction(int(place == 0)) for place in range(count)]
    if model == "LAST":
        return [Fraction(int(place == count - 1)) for place in range(count)]
    if model == "LINEAR":
        return [Fraction(1)] * count
    if model == "POSITION":
        if count == 1:
            return [Fraction(1)]
        if count == 2:
            return [Fraction(1, 2)] * 2
        return [Fraction(2, 5)] + [Fraction(1, 5) / (count - 2)] * (count - 2) + [Fraction(2, 5)]
    return [decay((won - time) // DAY_MS) for time in times]


def shares(deal):
    parts = weights(deal["model"], deal["times"], deal["wonMs"])
    total = int(deal["units"])
    whole = sum(parts)
    exact = [total * part / whole for part in parts]
    floors = [share.numerator // share.denominator for share in exact]
    left = total - sum(floors)
    order = sorted(range(len(parts)), key=lambda place: (-(exact[place] - floors[place]), place))
    for place in order[:left]:
        floors[place] += 1
    return [str(floor) for floor in floors]


json.dump([shares(deal) for deal in json.load(sys.stdin)], sys.stdout)
