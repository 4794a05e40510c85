"""A source of sums that reads every record, each time: slow, plain, and what the rollups are judged by."""

from itertools import pairwise

from msgspec import structs

from trayd.records import ExternalCost, Filters, Heading, Sum

ALL = Filters()


def heading_of(record, *, detailed):
    if isinstance(record, ExternalCost):
        heading = Heading(record.kind, record.counting, record.amount.currency)
        tags = {"client": record.client, "project": record.project, "deliverable": record.deliverable}
        return heading._replace(**tags) if detailed else heading
    amount = amount_of(record)
    heading = Heading(record.kind, record.counting, amount.currency if amount else "", record.account)
    if not detailed:
        return heading
    names = ("endpoint_id", "operation", "key", "client", "project", "deliverable")
    return heading._replace(**{name: getattr(record, name) for name in names})


def amount_of(record):
    if isinstance(record, ExternalCost):
        return record.amount
    if record.counting == "actual":
        return record.actual
    if record.counting == "unmatched":
        ended = record.status in ("failed", "cancelled")
        return record.actual or (None if ended or not record.estimate else record.estimate.amount)
    if record.counting in ("estimate", "pending") and record.estimate:
        return record.estimate.amount
    return None


def day_of(record, zone):
    return record.date if isinstance(record, ExternalCost) else record.timestamp.astimezone(zone).date()


class Recount:
    def __init__(self, records):
        self.records = list(records)

    def sums(self, filters=ALL, *, zone, by=()):
        sums = {}
        for record in self.records:
            if filters.admits(record, zone):
                heading, amount = heading_of(record, detailed=bool(by)), amount_of(record)
                count, nanos = sums.get(heading, (0, 0))
                sums[heading] = (count + 1, nanos + (amount.nanos if amount else 0))
        return tuple(Sum(heading, *sum_) for heading, sum_ in sums.items())

    def sums_by_day(self, filters=ALL, *, zone, other_than, by=()):
        for record in self.records:
            amount = amount_of(record)
            if amount and amount.currency != other_than and filters.admits(record, zone):
                yield day_of(record, zone), Sum(heading_of(record, detailed=bool(by)), 1, amount.nanos)

    def sums_over_time(self, cuts, labels, filters=ALL, *, zone):
        found = {label: {} for label in labels}
        for label, (since, until) in zip(labels, pairwise(cuts), strict=True):
            chosen = structs.replace(filters, since=since, until=until)
            for heading, count, nanos in self.sums(chosen, zone=zone):
                known = found[label].get(heading, (0, 0))
                found[label][heading] = (known[0] + count, known[1] + nanos)
        return {label: tuple(Sum(heading, *sum_) for heading, sum_ in sums.items()) for label, sums in found.items()}
