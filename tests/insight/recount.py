"""A source of sums that reads every record, each time: slow, plain, and what the rollups are judged by."""

from trayd.records import NO_HOUR, BucketSums, Counting, ExternalCost, Filters, Heading, Sum, TimePart

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

    def sums_over_time(self, filters=ALL, part=TimePart.DAY, *, zone):
        found = {}
        for record in self.records:
            number = number_of(record, part, zone)
            if number is not None and filters.admits(record, zone):
                amount = amount_of(record)
                cells = found.setdefault(heading_of(record, detailed=False), {})
                count, nanos = cells.get(number, (0, 0))
                cells[number] = (count + 1, nanos + (amount.nanos if amount else 0))
        for heading, cells in found.items():
            counts, nanos = zip(*cells.values(), strict=True)
            yield heading, BucketSums(tuple(cells), counts, nanos)


def number_of(record, part, zone):
    """What the wall calendar and the wall clock show, as the number of a part of time; None where it is in none."""
    timed = not isinstance(record, ExternalCost)
    local = record.timestamp.astimezone(zone) if timed else None
    day = day_of(record, zone)
    match part:
        case TimePart.DAY:
            return day.toordinal()
        case TimePart.WEEKDAY:
            return day.weekday()
        case TimePart.HOUR:
            return local.hour if timed else NO_HOUR
        case TimePart.DAY_AND_HOUR:
            return day.toordinal() * 24 + local.hour if timed else None


def parts_told(by_heading):
    """What each heading, as far as totals tell it apart, comes to in each time bucket; amounts left out aside."""
    found = {}
    for heading, buckets in by_heading:
        for number, count, nanos in zip(*buckets, strict=True):
            known = found.get((heading[:4], number), (0, 0))
            counts = 0 if heading.counting is Counting.UNMATCHED else nanos
            found[heading[:4], number] = known[0] + count, known[1] + counts
    return {key: sums for key, sums in found.items() if sums != (0, 0)}
