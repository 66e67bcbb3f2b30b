"""Reads quotations of UBL 2.1 and adds them up by the rules of EN 16931, apart from the service.

Reads a JSON text with a document in each line; writes for each the totals that follow from its lines, and what is wrong with it.
"""

import json
import sys
import xml.etree.ElementTree as xml
from fractions import Fraction

CAC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2}"
CBC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2}"
PLACES = {"EUR": 2, "JPY": 0, "KWD": 3}
ORDER = (
    "UBLVersionID ID UUID IssueDate Note PricingCurrencyCode LineCountNumeric ValidityPeriod SellerSupplierParty BuyerCustomerParty "
    "TransactionConditions AllowanceCharge TaxTotal QuotedMonetaryTotal QuotationLine"
).split()


def nearest(value, places):
    units = abs(value) * 10**places + Fraction(1, 2)
    whole = Fraction(units.numerator // units.denominator, 10**places)
    return whole if value >= 0 else -whole


def number(node, *path):
    for name in path[:-1]:
        node = node.find(CAC + name)
    return Fraction(node.find(CBC + path[-1]).text)


def charges(node, name="AllowanceCharge"):
    """What is taken: an allowance, or less than nothing for a charge."""
    found = []
    for each in node.findall(CAC + name):
        amount = number(each, "Amount")
        assert amount >= 0
        sign = -1 if each.find(CBC + "ChargeIndicator").text == "true" else 1
        found.append((sign * amount, each.find(CAC + "TaxCategory")))
    return found


def category(node):
    percent = node.find(CBC + "Percent")
    assert node.find(CAC + "TaxScheme").find(CBC + "ID").text == "VAT"
    return node.find(CBC + "ID").text, Fraction(percent.text) if percent is not None else Fraction(0)


def read(text):
    root, faults = xml.fromstring(text), []
    names = [node.tag.split("}")[1] for node in root]
    if sorted(names, key=ORDER.index) != names:
        faults.append(f"order {names}")
    currency = root.find(CBC + "PricingCurrencyCode").text
    places, codes = PLACES[currency], {node.get("currencyID", currency) for node in root.iter()}
    if codes != {currency}:
        faults.append(f"currencies {codes}")
    lines, taxable = Fraction(0), {}
    for outer in root.findall(CAC + "QuotationLine"):
        line = outer.find(CAC + "LineItem")
        extension, price = number(line, "LineExtensionAmount"), number(line, "Price", "PriceAmount")
        full = number(line, "Quantity") * price / number(line, "Price", "BaseQuantity")
        taken = sum((amount for amount, _ in charges(line)), Fraction(0))
        if price < 0 or nearest(full, places) - taken != extension:
            faults.append(f"line {line.find(CBC + 'ID').text}")
        key = category(line.find(CAC + "Item").find(CAC + "ClassifiedTaxCategory"))
        taxable[key] = taxable.get(key, Fraction(0)) + extension
        lines += extension
    allowance, charge = Fraction(0), Fraction(0)
    for amount, of_tax in charges(root):
        taxable[category(of_tax)] -= amount
        if amount < 0:
            charge -= amount
        else:
            allowance += amount
    total, tax = root.find(CAC + "TaxTotal"), Fraction(0)
    for part in total.findall(CAC + "TaxSubtotal"):
        key, amount = category(part.find(CAC + "TaxCategory")), number(part, "TaxAmount")
        if number(part, "TaxableAmount") != taxable.pop(key, None):
            faults.append(f"taxable {key}")
        # A price that includes tax has no exact net amount: the tax can differ by what the rounding of its lines makes.
        if abs(number(part, "TaxableAmount") * key[1] / 100 - amount) > Fraction(1, 10**places):
            faults.append(f"tax {key} {amount}")
        tax += amount
    if taxable:
        faults.append(f"untaxed {taxable}")
    sums = root.find(CAC + "QuotedMonetaryTotal")
    net = lines - allowance + charge
    stated = [number(sums, name) for name in ("LineExtensionAmount", "AllowanceTotalAmount", "TaxExclusiveAmount", "TaxInclusiveAmount")]
    stated_charge = number(sums, "ChargeTotalAmount") if sums.find(CBC + "ChargeTotalAmount") is not None else Fraction(0)
    if stated != [lines, allowance, net, net + tax] or stated_charge != charge:
        faults.append(f"totals {stated}")
    if number(sums, "PayableAmount") != stated[3] or number(total, "TaxAmount") != tax:
        faults.append("payable")
    names = {"id": root.find(CBC + "ID").text, "note": root.find(CBC + "Note").text}
    figures = {"net": net, "tax": tax, "gross": net + tax}
    return {**names, "faults": faults, **{name: str(int(value * 10**places)) for name, value in figures.items()}}


for each in sys.stdin:
    print(json.dumps(read(json.loads(each))))
