"""Forecasts of a few deals, computed apart from the service.

Reads a line of JSON for each forecast: the request, what the caller sees, and all live deals and quotas with the settings. Writes a line
with the total, the groups and the conversion into the base currency. Sums are fractions, and the day on which a deal was won is that of the clock in the time zone.
"""

import json
import sys
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

OPEN, WON = 1, 2
CATEGORIES = {1: "OMITTED", 2: "PIPELINE", 3: "BEST_CASE", 4: "COMMIT", 5: "CLOSED"}
PLACES = {"EUR": 2, "USD": 2, "JPY": 0, "KWD": 3}
GROUPINGS = {0: None, 1: "OWNER", 2: "TEAM", 3: "CATEGORY", 4: "STAGE", 5: "MONTH"}


def months(key, fiscal):
    """The months of a period, as (year, month)."""
    year = int(key[:4])
    if len(key) == 4:
        begin, count = year * 12 + fiscal - 1, 12
    elif "Q" in key:
        begin, count = year * 12 + fiscal - 1 + 3 * (int(key[-1]) - 1), 3
    else:
        begin, count = year * 12 + int(key[5:]) - 1, 1
    return [((begin + n) // 12, (begin + n) % 12 + 1) for n in range(count)]


def text(value, currency):
    """A decimal text with at least the places of the currency."""
    places = PLACES[currency]
    while value * 10**places % 1:
        places += 1
    units = abs(value * 10**places)
    digits = str(int(units)).rjust(places + 1, "0")
    number = digits if places == 0 else f"{digits[:-places]}.{digits[-places:]}"
    return f"-{number}" if value < 0 else number


def weighted(deal):
    amount, probability = deal["amount"], deal.get("effectiveProbability")
    if probability is None:
        return Fraction(0)
    places = max(PLACES[amount["currencyCode"]], -min(0, Decimal(amount["amount"]).as_tuple().exponent))
    exact = Decimal(amount["amount"]) * probability / 100
    return Fraction(exact.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP))


def newest(rates, source, target, day):
    """The newest rate of a pair, in either direction: its id, and what 1 of the source is."""
    both = [(rate["date"], rate["baseCurrency"] == source, rate) for rate in rates]
    found = [
        each for each in both if each[0] <= day and {each[2]["baseCurrency"], each[2]["quoteCurrency"]} == {source, target}
    ]
    if not found:
        return None
    _, is_forward, rate = max(found, key=lambda each: each[:2])
    return rate, Fraction(rate["rate"]) if is_forward else 1 / Fraction(rate["rate"])


def factor(rates, source, target, day):
    """The rates between two currencies and their product, directly or through EUR. None without."""
    if source == target:
        return [], Fraction(1)
    direct = newest(rates, source, target, day)
    if direct:
        return [direct[0]], direct[1]
    if "EUR" in (source, target):
        return None
    legs = [newest(rates, source, "EUR", day), newest(rates, "EUR", target, day)]
    return None if None in legs else ([leg[0] for leg in legs], legs[0][1] * legs[1][1])


def rounded(value, currency):
    """Half away from zero, to the minor unit."""
    scale = 10 ** PLACES[currency]
    units = Fraction(int(abs(value) * scale + Fraction(1, 2)), scale)
    return -units if value < 0 else units


def converted(deal, line):
    """The amount and the weighted amount in the base currency, and the rates. None without a rate."""
    target, kept = line["settings"]["baseCurrency"], deal.get("baseAmount")
    if kept and kept["currencyCode"] == target:
        value = Fraction(kept["amount"])
        return value, value, [known(rate) for rate in deal.get("baseRates", [])]
    day = deal["closeTime"][:10] if deal["status"] == WON else line["day"]
    found = factor(line.get("exchangeRates", []), deal["amount"]["currencyCode"], target, day)
    if not found:
        return None
    amount, part = Fraction(deal["amount"]["amount"]), weighted(deal)
    return rounded(amount * found[1], target), rounded(part * found[1], target), [known(rate) for rate in found[0]]


def known(rate):
    names = ("id", "baseCurrency", "quoteCurrency", "rate", "date", "source")
    return tuple((name, rate[name]) for name in names)


def in_base(deals, quotas, of_category, line):
    """The sums of all currencies in the base currency."""
    code = line["settings"]["baseCurrency"]
    values = [(deal, converted(deal, line)) for deal in deals if deal.get("amount")]
    unreal = [
        {
            "amount": {"currencyCode": code, "amount": value[0]},
            "weighted": value[1],
            "status": deal["status"],
            "effectiveForecastCategory": deal.get("effectiveForecastCategory"),
        }
        for deal, value in values
        if value
    ]
    own = [quota for quota in quotas if quota["amount"]["currencyCode"] == code]
    missing = sorted(deal["id"] for deal, value in values if not value)
    rates = {rate for _, value in values if value for rate in value[2]}
    return amounts_of(code, unreal, own, of_category), missing, rates


def day_of(deal, zone):
    """The day by which a deal counts. None: it does not."""
    if deal["status"] == OPEN and deal.get("closeDate"):
        return date.fromisoformat(deal["closeDate"])
    if deal["status"] == WON:
        return datetime.fromisoformat(deal["closeTime"].replace("Z", "+00:00")).astimezone(zone).date()
    return None


def is_seen(record, seen):
    return seen is None or record.get("ownerId") in seen or record.get("ownerTeamId") in seen


def matches(record, request):
    wanted = ("ownerId", "ownerTeamId")
    if any(request.get(name) and record.get(name) != request[name] for name in wanted):
        return False
    return not request.get("currency") or (record.get("amount") or {}).get("currencyCode") == request["currency"]


def group_of(deal, day, grouping):
    category = "CLOSED" if deal["status"] == WON else CATEGORIES[deal["effectiveForecastCategory"]]
    keys = {
        None: (None, None),
        "OWNER": (deal.get("ownerId"), None),
        "TEAM": (deal.get("ownerTeamId"), None),
        "CATEGORY": (category, None),
        "STAGE": (deal["stage"], deal["pipelineId"]),
        "MONTH": (f"{day:%Y-%m}", None),
    }
    return keys[grouping]


def is_of_all(quota, request):
    owner, team = request.get("ownerId"), request.get("ownerTeamId")
    return quota.get("ownerId") == owner and (owner is not None or quota.get("ownerTeamId") == team)


def group_of_quota(quota, request, grouping, keys):
    of_period, of_won = quota["period"] == request["period"], not quota.get("category")
    if grouping == "OWNER" and of_period and of_won:
        return quota.get("ownerId")
    if grouping == "TEAM" and of_period and of_won and not quota.get("ownerId"):
        return quota.get("ownerTeamId")
    if grouping == "CATEGORY" and of_period and not of_won and is_of_all(quota, request):
        return CATEGORIES[quota["category"]]
    if grouping == "MONTH" and quota["period"] in keys and of_won and is_of_all(quota, request):
        return quota["period"]
    return None


def amounts(deals, quotas, of_category):
    codes = {deal["amount"]["currencyCode"] for deal in deals if deal.get("amount")}
    found = []
    for code in sorted(codes | {quota["amount"]["currencyCode"] for quota in quotas}):
        own = [deal for deal in deals if deal.get("amount") and deal["amount"]["currencyCode"] == code]
        found.append(amounts_of(code, own, [q for q in quotas if q["amount"]["currencyCode"] == code], of_category))
    return found


def amounts_of(code, own, quotas, of_category):
    sums = {name: Fraction(0) for name in CATEGORIES.values()}
    for deal in own:
        category = "CLOSED" if deal["status"] == WON else CATEGORIES[deal["effectiveForecastCategory"]]
        sums[category] += Fraction(deal["amount"]["amount"])
    total = sum(sums.values(), Fraction(0))
    goal = [Fraction(quota["amount"]["amount"]) for quota in quotas]
    reached = total if of_category else sums["CLOSED"]
    entry = {
        "currencyCode": code,
        "dealCount": len(own),
        "pipeline": text(sums["PIPELINE"], code),
        "bestCase": text(sums["BEST_CASE"], code),
        "commit": text(sums["COMMIT"], code),
        "closed": text(sums["CLOSED"], code),
        "total": text(total, code),
        "weighted": text(sum((d["weighted"] if "weighted" in d else weighted(d) for d in own), Fraction(0)), code),
    }
    if goal:
        entry["quota"] = text(sum(goal), code)
        if sum(goal) > 0:
            exact = reached / sum(goal)
            near = Fraction(int(abs(exact) * 10000 + Fraction(1, 2)), 10000)
            entry["attainment"] = f"{'-' if exact < 0 and near else ''}{int(near)}.{int(near % 1 * 10000):04d}"
    return entry


def forecast(line):
    request, seen, settings = line["request"], line.get("seen"), line["settings"]
    zone, grouping = ZoneInfo(settings["timeZone"]), GROUPINGS[request.get("groupBy", 0)]
    wanted = months(request["period"], settings["fiscalYearStartMonth"])
    keys = [f"{year}-{month:02d}" for year, month in wanted]
    deals = []
    for deal in line["deals"]:
        day = day_of(deal, zone)
        in_pipeline = not request.get("pipelineId") or deal["pipelineId"] == request["pipelineId"]
        is_omitted = deal["status"] != WON and CATEGORIES[deal["effectiveForecastCategory"]] == "OMITTED"
        if day and (day.year, day.month) in wanted and in_pipeline and not is_omitted:
            if is_seen(deal, seen) and matches(deal, request):
                deals.append((deal, day))
    quotas = [quota for quota in line["quotas"] if is_seen(quota, seen) and matches(quota, request)]
    if request.get("pipelineId"):
        quotas = []
    of_total = [q for q in quotas if q["period"] == request["period"] and not q.get("category") and is_of_all(q, request)]
    all_deals = [deal for deal, _ in deals]
    base, missing, rates = in_base(all_deals, of_total, False, line)
    total = {"dealCount": len(deals), "amounts": amounts(all_deals, of_total, False)}
    total.update({"converted": base, "unconvertedDealCount": len(missing)})
    used = sorted((dict(rate) for rate in rates), key=lambda rate: rate["id"])
    conversion = {
        "currencyCode": settings["baseCurrency"],
        "date": line["day"],
        "rates": sorted(used, key=lambda rate: rate["date"], reverse=True),
        "ratesOmitted": False,
        "unconvertedDealIds": missing[:100],
        "unconvertedDealCount": len(missing),
    }
    groups = {}
    if grouping:
        for deal, day in deals:
            groups.setdefault(group_of(deal, day, grouping), []).append(deal)
        for quota in quotas:
            value = group_of_quota(quota, request, grouping, keys)
            if value is not None:
                groups.setdefault((value, None), [])
    listed = []
    for key in sorted(groups, key=lambda key: (key[0] is None, key[0] or "", key[1] or "")):
        own = [q for q in quotas if key[0] is not None and group_of_quota(q, request, grouping, keys) == key[0]]
        entry = {"dealCount": len(groups[key]), "amounts": amounts(groups[key], own, grouping == "CATEGORY")}
        base, missing, _ = in_base(groups[key], own, grouping == "CATEGORY", line)
        entry.update({"converted": base, "unconvertedDealCount": len(missing)})
        listed.append({**({"value": key[0]} if key[0] else {}), **({"pipelineId": key[1]} if key[1] else {}), **entry})
    return {"total": total, "groups": listed, "conversion": conversion}


for read in sys.stdin:
    print(json.dumps(forecast(json.loads(read))))
