"""Reads a running API by the client that openapi-python-client made of its contract.

    read.py FOLDER URL [KEY]        (FOLDER holds the package `made`)

Fails on a status or a member that the contract does not have, and if figures do not add up.
"""
import sys

folder, url, *key = sys.argv[1:]
sys.path.insert(0, folder)

from made import AuthenticatedClient, Client
from made.api.figures import categories, usage, years
from made.models.usage_group_item import UsageGroupItem


def figures(row):
    """Returns the figure of a row, and fails if a missing one has no reason."""
    if row.service_uses is None:
        assert row.notes["service_uses"] == "suppressed", row
    return row.service_uses or 0


options = {"base_url": url, "raise_on_unexpected_status": True}
client = AuthenticatedClient(token=key[0], **options) if key else Client(**options)
public = years.sync(client=client)
assert public.years, "close a year first"
period = str(public.years[-1])

by_category = categories.sync(client=client, period=period, compare="year-before")
assert by_category.meta.resource == "categories" and by_category.data
assert all(row.category_name_it for row in by_category.data if row.category)

groups = [UsageGroupItem.ENTE, UsageGroupItem.MONTH]
by_month = usage.sync(client=client, period=period, group=groups)
total = by_month.totals.service_uses
assert {row.month[:4] for row in by_month.data} == {period}
shown = sum(map(figures, by_month.data))
assert shown == total if key else shown <= total, (shown, total)

two = [row.ente for row in by_month.data[:1]] + [by_month.data[-1].ente]
of_two = usage.sync(client=client, period=period, group=groups[:1], ente=two)
assert {row.ente for row in of_two.data} == set(two)

wrong = usage.sync_detailed(client=client, period=period, ente=["nobody"])
assert wrong.status_code == 400 and wrong.parsed.parameter == "ente", wrong
print(f"{len(by_month.data)} rows of {period} read with {'a key' if key else 'no key'}")
