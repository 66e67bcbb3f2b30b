"""Computes documents, splits and conversions with rational numbers: one JSON object a line in, one a line out.

It shares no code with src, and takes every step the long way.
"""

import json
import sys
from fractions import Fraction

PLACES = {"EUR": 2, "USD": 2, "JPY": 0, "KRW": 0, "KWD": 3, "TND": 3, "CLF": 4}


def nearest(number):
    """The nearest integer; half away from zero."""
    whole = abs(number).numerator // abs(number).denominator
    if abs(number) - whole >= Fraction(1, 2):
        whole += 1
    return whole if number >= 0 else -whole


def text(units, places):
    digits = str(abs(units)).rjust(places + 1, "0")
    if places:
        digits = digits[:-places] + "." + digits[-places:]
    return "-" + digits if units < 0 else digits


def largest_remainders(shares):
    """Integers near the shares whose sum is the rounded sum of the shares: one unit after the other goes to the largest remainder."""
    total = sum(shares, Fraction(0))
    sign = -1 if total < 0 else 1
    shares = [share * sign for share in shares]
    parts = [share.numerator // share.denominator for share in shares]
    left = nearest(sum(shares, Fraction(0))) - sum(parts)
    open_places = list(range(len(shares)))
    while left > 0:
        best = open_places[0]
        for place in open_places:
            if shares[place] - parts[place] > shares[best] - parts[best]:
                best = place
        parts[best] += 1
        open_places.remove(best)
        left -= 1
    return [part * sign for part in parts]


def less_discount(full, discount, unit):
    """None if the discount takes more than there is."""
    if discount is None:
        return nearest(full)
    if "percent" in discount:
        return nearest(full - full * Fraction(discount["percent"]) / 100)
    amount = Fraction(discount["amount"]) * unit
    if amount > 0 and amount > nearest(full):
        return None
    return max(0, nearest(full - amount)) if amount > 0 else nearest(full)


def document(given):
    places = PLACES[given["currency"]]
    unit = 10**places
    lines = []
    for line in given["lines"]:
        full = Fraction(line["quantity"]) * Fraction(line["unitPrice"]) * unit
        amount = less_discount(full, line.get("discount"), unit)
        if amount is None:
            return {"refused": "DISCOUNT_TOO_LARGE"}
        tax = line.get("tax") or {"mode": "NONE", "category": "O", "rate": "0"}
        lines.append({"amount": amount, "mode": tax["mode"], "key": (tax["category"], Fraction(tax["rate"]))})
    subtotal = sum(line["amount"] for line in lines)
    left = less_discount(Fraction(subtotal), given.get("discount"), unit)
    if left is None:
        return {"refused": "DISCOUNT_TOO_LARGE"}
    taken = subtotal - left
    shares = largest_remainders([Fraction(taken * line["amount"], subtotal) if taken else Fraction(0) for line in lines])
    for line, share in zip(lines, shares):
        line["documentDiscount"] = share
        line["tax"] = 0
    taxes = []
    for key in sorted({line["key"] for line in lines}):
        group = [line for line in lines if line["key"] == key]
        exact = []
        for line in group:
            taxable = line["amount"] - line["documentDiscount"]
            rate = key[1] / 100
            exact.append(taxable - taxable / (1 + rate) if line["mode"] == "INCLUSIVE" else taxable * rate)
        for line, part in zip(group, largest_remainders(exact)):
            line["tax"] = part
        taxes.append((key, group))
    for line in lines:
        taxable = line["amount"] - line["documentDiscount"]
        line["net"] = taxable - line["tax"] if line["mode"] == "INCLUSIVE" else taxable
        line["gross"] = line["net"] + line["tax"]
    figures = ["amount", "documentDiscount", "net", "tax", "gross"]
    total = {figure: sum(line[figure] for line in lines) for figure in figures}
    return {
        "lines": [{figure: text(line[figure], places) for figure in figures} for line in lines],
        "subtotal": text(total["amount"], places),
        "discount": text(total["documentDiscount"], places),
        "net": text(total["net"], places),
        "taxes": [
            {
                "category": category,
                "rate": decimal(rate),
                "net": text(sum(line["net"] for line in group), places),
                "tax": text(sum(line["tax"] for line in group), places),
            }
            for (category, rate), group in taxes
        ],
        "tax": text(total["tax"], places),
        "gross": text(total["gross"], places),
    }


def decimal(number):
    for places in range(0, 13):
        if (number * 10**places).denominator == 1:
            return text((number * 10**places).numerator, places)
    raise ValueError(number)


def split(given):
    places = PLACES[given["currency"]]
    total = Fraction(given["amount"]) * 10**places
    return [text(part, places) for part in largest_remainders([total * Fraction(share) / 100 for share in given["shares"]])]


def conversion(given):
    factor, currency = Fraction(1), given["currency"]
    for rate in given["rates"]:
        if rate["baseCurrency"] == currency:
            factor, currency = factor * Fraction(rate["rate"]), rate["quoteCurrency"]
        else:
            factor, currency = factor / Fraction(rate["rate"]), rate["baseCurrency"]
    assert currency == given["to"]
    places = PLACES[currency]
    amount = text(nearest(Fraction(given["amount"]) * factor * 10**places), places)
    return {"amount": amount, "rate": decimal(Fraction(nearest(factor * 10**12), 10**12))}


def weighted(given):
    """A percentage of an amount of the minor unit."""
    places = PLACES[given["currency"]]
    return {"amount": text(nearest(Fraction(given["amount"]) * given["probability"] / 100 * 10**places), places)}


KINDS = {"document": document, "split": split, "conversion": conversion, "weighted": weighted}

for line in sys.stdin:
    asked = json.loads(line)
    print(json.dumps(KINDS[asked["kind"]](asked["given"])))
