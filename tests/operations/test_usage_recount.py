"""Usage counted a second time: from what was handed in, by the rules as documents tell them."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.insight.samples import in_nanos
from tests.ledger.making import DAY, FLUX, HOUR, KLING, account, billing, covers, event, model, row
from trayd.facts import Batch
from trayd.insight.usage import Peaks
from trayd.ledger.store import Ledger, LedgerPaths
from trayd.money import Money
from trayd.operations.operations import Operations
from trayd.operations.records import UsageQuery
from trayd.rate_settings import FixedRate, RatesSettings
from trayd.records import Estimate, ExternalCost, Kind, Status
from trayd.settings import Paths, Settings

WHISPER = "fal-ai/whisper"
OPERATIONS = {KLING: "text-to-video", FLUX: "text-to-image", WHISPER: "speech-to-text"}
WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
SLIDING = {"24h": 24 * HOUR, "7d": 7 * DAY, "30d": 30 * DAY}
#: Home currency for one of the other; there is none for Kuwait's, neither fixed nor from the central bank.
RATES = {"USD": Fraction(1), "EUR": Fraction(11, 10)}

#: Zones, and instants at which their clocks change: by an hour at two o'clock, by half an hour, never, at midnight.
CHANGES = [
    ("America/New_York", datetime(2026, 11, 1, 6, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 3, 8, 7, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
    ("Asia/Kolkata", datetime(2026, 2, 28, 18, 30, tzinfo=UTC)),
    ("America/Sao_Paulo", datetime(2018, 11, 4, 3, tzinfo=UTC)),
    ("America/Sao_Paulo", datetime(2018, 2, 18, 2, tzinfo=UTC)),
]


#: Of a ledger without bills, and without anything else of that time.
NEVER = datetime(9000, 1, 1, tzinfo=UTC)


class Job(NamedTuple):
    """A request: what fal billed for it (None: nothing), and what an event said of it (no status: there is none)."""

    who: str
    endpoint: str
    at: timedelta
    billed: list[int] | None
    status: Status | None
    estimate: int | None
    tags: tuple[str | None, str | None, str | None]
    key: str | None
    linked: bool


class Cost(NamedTuple):
    kind: Kind
    days: int
    nanos: int
    currency: str
    tags: tuple[str | None, str | None, str | None]


class Scene(NamedTuple):
    zone: ZoneInfo
    change: datetime
    now: datetime
    jobs: list[Job]
    costs: list[Cost]
    read_days: int


tag = st.none() | st.sampled_from(["Northwind", "Contoso"])
tagged = st.tuples(tag, tag, tag)
nanos = st.integers(0, 10**10) | st.sampled_from([1, 3, 1_120_000_000])
#: Around a change of the clock: minutes, hours and weeks from it.
spans = st.one_of(
    st.integers(-180, 180).map(lambda minutes: timedelta(minutes=minutes)),
    st.integers(-60, 60).map(lambda hours: hours * HOUR),
    st.integers(-50 * 24 * 60, 20 * 24 * 60).map(lambda minutes: timedelta(minutes=minutes)),
)
jobs = st.builds(
    lambda who, endpoint, at, billed, told, tags, key, linked: Job(
        who, endpoint, at, billed if linked else None, *told, tags, key, linked
    ),
    st.sampled_from(["acme", "bolt"]),
    st.sampled_from([KLING, FLUX, WHISPER]),
    spans,
    st.none() | st.lists(nanos, min_size=1, max_size=2),
    st.tuples(st.sampled_from(Status), st.none() | nanos),
    tagged,
    st.sampled_from([None, "studio-mac", "render-box"]),
    st.sampled_from([True, True, True, False]),
)
costs = st.builds(
    Cost,
    st.sampled_from([Kind.EXTERNAL, Kind.EXTERNAL, Kind.POOL]),
    st.integers(-45, 20),
    st.integers(-(10**10), 10**11),
    st.sampled_from(["USD", "USD", "EUR", "KWD"]),
    tagged,
)


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    name, change = draw(st.sampled_from(CHANGES))
    return Scene(
        ZoneInfo(name),
        change,
        change + draw(spans.filter(lambda span: span > -10 * DAY)),
        draw(st.lists(jobs, max_size=14)),
        draw(st.lists(costs, max_size=4)),
        draw(st.sampled_from([0, 20, 150])),
    )


class Counted(NamedTuple):
    """A record as it counts: ``nanos`` is its part of the total, None where it is beside the total or unknown."""

    start: datetime
    day: date
    hour: int | None
    kind: Kind
    how: str
    nanos: int | None
    currency: str
    marks: dict[str, str | None]


def first_instant(day: date, zone: ZoneInfo) -> datetime:
    """When the wall calendar first shows that day or a later one."""
    low = datetime(day.year, day.month, day.day, tzinfo=UTC) - 15 * HOUR
    high = low + 30 * HOUR
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) // 2
        low, high = (low, middle) if middle.astimezone(zone).date() >= day else (middle, high)
    return high.replace(microsecond=0)


def counted(scene: Scene) -> list[Counted]:
    """All that was handed in, by the rules."""
    found = []
    for job in scene.jobs:
        at = scene.change + job.at
        local = at.astimezone(scene.zone)
        read_from, read_to = scene.now - scene.read_days * DAY, scene.now
        covered = job.who == "acme" and scene.read_days > 0
        if job.billed is not None:
            how, amount = "actual", sum(job.billed)
        elif not job.linked and covered and read_from <= at < read_to:
            how, amount = "unmatched", None
        elif job.status is Status.SUBMITTED:
            how, amount = "pending", job.estimate
        elif job.status is Status.COMPLETED:
            how, amount = ("unknown", None) if job.estimate is None else ("estimate", job.estimate)
        elif covered and read_from <= at <= read_to - 48 * HOUR:
            how, amount = "free", 0
        else:
            how, amount = "failed", None
        marks = {
            "model": job.endpoint,
            "operation": OPERATIONS[job.endpoint],
            "client": job.tags[0],
            "project": job.tags[1],
            "deliverable": job.tags[2],
            "account": job.who,
            "key": job.key if job.billed is not None else None,
            "kind": "internal",
        }
        found.append(Counted(at, local.date(), local.hour, Kind.INTERNAL, how, amount, "USD", marks))
    for cost in scene.costs:
        day = scene.change.date() + timedelta(days=cost.days)
        marks = dict(zip(("client", "project", "deliverable"), cost.tags, strict=True)) | {"kind": cost.kind.value}
        start = first_instant(day, scene.zone)
        found.append(Counted(start, day, None, cost.kind, "actual", cost.nanos, cost.currency, marks))
    return found


def record(scene: Scene, ledger: Ledger) -> None:
    """The same through the ledger's own door."""
    for number, job in enumerate(scene.jobs):
        at = scene.change + job.at
        name = f"r{number}"
        told = event(
            f"e{number}",
            name if job.linked else None,
            at,
            endpoint_id=job.endpoint,
            account=job.who,
            status=job.status,
            estimate=None if job.estimate is None else Estimate(Money(job.estimate), at),
            **dict(zip(("client", "project", "deliverable"), job.tags, strict=True)),
        )
        ledger.add(Batch(events=(told,)))
        if job.billed is not None:
            rows = [row(str(Decimal(amount).scaleb(-9)), at=at, endpoint_id=job.endpoint) for amount in job.billed]
            ledger.add(Batch(billing=(billing(name, *rows, fetched=scene.now, account=job.who, key=job.key),)))
    for number, cost in enumerate(scene.costs):
        ledger.add(
            Batch(
                costs=(
                    ExternalCost(
                        id=f"c{number}",
                        date=scene.change.date() + timedelta(days=cost.days),
                        description="Runway",
                        amount=Money(cost.nanos, cost.currency),
                        kind=cost.kind,
                        **dict(zip(("client", "project", "deliverable"), cost.tags, strict=True)),
                    ),
                )
            )
        )
    ledger.add(
        Batch(
            models=tuple(model(None, scene.change, name, operation=what) for name, what in OPERATIONS.items()),
            accounts=(account("acme", "acme"), account("bolt", "bolt")),
            coverage=(covers("acme", scene.now - scene.read_days * DAY, scene.now),) if scene.read_days else (),
        )
    )


class Asked(NamedTuple):
    """A window by the calendar or by the clock, and the one before it."""

    text: str
    within: list[Counted]
    known_from: datetime | None
    known: list[Counted]
    before: list[Counted] | None
    days: Fraction
    weekdays: list[Fraction] | None


def ask(scene: Scene, every: list[Counted], text: str) -> Asked:
    now, zone = scene.now, scene.zone
    known_from = now - scene.read_days * DAY if scene.read_days else None
    today = now.astimezone(zone).date()
    if text in SLIDING:
        length = SLIDING[text]
        start, end = now - length, now
        within = [one for one in every if start <= one.start < end]
        before_start, before_end = start - length, start
        days = share_known(start, end, known_from, now)
        weekdays = None
    else:
        if text == "month":
            first = today.replace(day=1)
            last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        else:
            first, last = (date.fromisoformat(part) for part in text.split(".."))
        within = [one for one in every if first <= one.day <= last]
        length_in_days = (last - first).days + 1
        is_month = first.day == 1 and (last + timedelta(days=1)).day == 1 and first.month == last.month
        earlier = (first - timedelta(days=1)).replace(day=1) if is_month else first - timedelta(days=length_in_days)
        before_start, before_end = first_instant(earlier, zone), first_instant(first, zone)
        if now < first_instant(last + timedelta(days=1), zone):
            passed = max(now - first_instant(first, zone), timedelta())
            before_end = min(before_end, before_start + passed)
        begun = [first + timedelta(days=n) for n in range(max(0, (min(today, last) - first).days + 1))]
        shares = [
            share_known(
                first_instant(day, zone), first_instant(day + timedelta(days=1), zone), known_from, now, whole=1
            )
            for day in begun
        ]
        days = sum(shares, Fraction(0))
        weekdays = [
            sum((part for day, part in zip(begun, shares, strict=True) if day.weekday() == n), Fraction(0))
            for n in range(7)
        ]
    known = scene.read_days == 0 or before_start >= now - scene.read_days * DAY
    before = [one for one in every if before_start <= one.start < before_end] if known else None
    if not within and not scene.read_days:
        known_from, days, weekdays = NEVER, Fraction(0), None
    of_known = [one for one in within if known_from is None or one.start >= known_from]
    return Asked(text, within, known_from, of_known, before, days, weekdays)


def share_known(start: datetime, end: datetime, known_from: datetime | None, now: datetime, whole: int = 0) -> Fraction:
    """How many days of a stretch are known; a civil day is one (``whole``), however long, also while it runs."""
    if known_from is not None and known_from >= min(end, now):
        return Fraction(0)
    begins = start if known_from is None else max(start, known_from)
    microsecond = timedelta(microseconds=1)
    return Fraction((end - begins) // microsecond, (end - start if whole else DAY) // microsecond)


def worth(ones: list[Counted]) -> Fraction:
    """What counts of them, in dollars' nanos, exact."""
    return sum(
        (
            (one.nanos or 0) * RATES[one.currency]
            for one in ones
            if one.how in {"actual", "estimate", "free"} and one.currency in RATES
        ),
        Fraction(0),
    )


def requests(ones: list[Counted]) -> int:
    return sum(one.kind is Kind.INTERNAL and one.how not in {"pending", "unmatched"} for one in ones)


def lacking(ones: list[Counted]) -> bool:
    """Whether something of it has no price yet, or no rate."""
    return unpriced(ones) > 0 or without_rate(ones)


def without_rate(ones: list[Counted]) -> bool:
    """Whether something of it is in a currency without a rate; nothing is nothing in every currency."""
    return any(one.currency == "KWD" and one.nanos for one in ones)


def unpriced(ones: list[Counted]) -> int:
    return sum(one.how == "unknown" for one in ones)


def key_of(one: Counted, by: str) -> str | None:
    match by:
        case "day":
            return one.day.isoformat()
        case "weekday":
            return WEEKDAYS[one.day.weekday()]
        case "hour":
            return None if one.hour is None else f"{one.hour:02}"
        case _:
            return one.marks.get(by)


TEXTS = [*SLIDING, "month", "around", "wide", "one day"]
BY = ["model", "operation", "client", "project", "deliverable", "account", "key", "kind", "day", "weekday", "hour"]


def text_of(name: str, scene: Scene) -> str:
    day = scene.change.astimezone(scene.zone).date()
    back, on = {"around": (3, 2), "wide": (60, 25), "one day": (0, 0)}.get(name, (None, None))
    return name if back is None else f"{day - timedelta(days=back)}..{day + timedelta(days=on)}"


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(scenes())
@example(  # something was told of the day before, and nothing of the last one
    Scene(
        ZoneInfo("UTC"),
        CHANGES[0][1],
        CHANGES[0][1],
        [Job("acme", KLING, -30 * HOUR, [1], Status.COMPLETED, None, (None, None, None), None, True)],
        [],
        0,
    )
)
@example(  # an empty ledger
    Scene(ZoneInfo("UTC"), CHANGES[0][1], CHANGES[0][1], [], [], 0)
)
def test_every_window_and_breakdown_is_what_a_second_count_says(scene):
    fixed = RatesSettings(fetch=False, fixed=(FixedRate(from_="EUR", to="USD", rate=Decimal("1.1")),))
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        paths = LedgerPaths(home / "ledger", home / "backup")
        with closing(Ledger.open(paths, base_url=None, holder="a test", clock=lambda: scene.now)) as ledger:
            record(scene, ledger)
            wanted = Settings(time_zone=scene.zone.key, rates=fixed)
            operations = Operations(ledger, wanted, Paths.under(home), lambda: scene.now)
            every = counted(scene)
            for name in TEXTS:
                assert_as_counted(operations, ask(scene, every, text_of(name, scene)))


def assert_as_counted(operations: Operations, asked: Asked) -> None:
    within, text = asked.within, asked.text
    usage = operations.usage(UsageQuery(window=text))
    total = usage.total
    whole = worth(within)
    is_unread = not within and asked.known_from is not None and usage.known_from is not None and not asked.days
    is_known = not is_unread and (round(whole) != 0 or not lacking(within))
    assert total.cost == (Money(round(whole)) if is_known else None), text
    assert (total.generations, total.unpriced) == (requests(within), unpriced(within)), text
    assert total.failed == sum(one.how == "failed" for one in within), text
    assert total.unmatched == sum(one.how == "unmatched" for one in within), text
    pending = [one.nanos for one in within if one.how == "pending"]
    known = [amount for amount in pending if amount is not None]
    assert total.pending.generations == len(pending), text
    assert total.pending.estimated == (Money(sum(known)) if known else None), text
    kinds = [total.internal, total.external, total.pool]
    assert sum(map(in_nanos, kinds)) == in_nanos(total.cost)
    for kind, each in zip(Kind, kinds, strict=True):
        ones = [one for one in within if one.kind is kind]
        assert abs(in_nanos(each) - worth(ones)) < 1, (text, kind)
        if each is None:
            assert is_unread or lacking(ones), (text, kind)
    left_out = sum(one.nanos or 0 for one in within if one.currency == "KWD")
    assert total.left_out == ((Money(left_out, "KWD"),) if without_rate(within) else ()), text
    internal = [one for one in within if one.kind is Kind.INTERNAL]
    priced = requests(internal) - unpriced(internal) - total.failed
    each_one = Money(round(worth(internal) / priced)) if priced else None
    assert total.cost_per_generation == each_one, text
    each_day = Money(round(round(worth(asked.known)) / asked.days)) if asked.days and is_known else None
    assert usage.average_per_day == each_day, text
    if asked.known_from is NEVER:
        assert usage.known_from == usage.window.until
    else:
        is_cut = asked.known_from is not None and asked.known_from > usage.window.since
        assert usage.known_from == (asked.known_from if is_cut else None), text
    before = Fraction(0) if asked.before is None else round(worth(asked.before))
    trend = round(float(Fraction(round(whole) - before) / before), 6) if before > 0 and is_known else None
    assert (usage.trend is None) == (trend is None), (text, usage.trend, trend)
    if trend is not None:
        assert usage.trend is not None
        assert abs(usage.trend - trend) <= 1e-6 * max(1, abs(trend)), text
    for by in BY:
        if by in {"client", "project"} and any(one.kind is Kind.POOL for one in within):
            continue  # what projects share is divided over them: another count, of its own
        assert_parts(operations, asked, by, round(whole))
    assert_peaks(usage.peaks, asked, [one for one in asked.known if one.kind is Kind.INTERNAL])


def assert_parts(operations: Operations, asked: Asked, by: str, whole: int) -> None:
    groups: dict[tuple[str | None, Kind | None], list[Counted]] = defaultdict(list)
    for one in asked.within:
        mark = key_of(one, by)
        is_told_apart = mark is None and by in {"model", "operation", "account", "key"}
        groups[mark, one.kind if is_told_apart else None].append(one)
    found = operations.usage(UsageQuery(window=asked.text, by=by)).by
    where = asked.text, by
    assert sum(in_nanos(part.cost) for part in found) == whole, where
    told = {(part.key, part.kind): part for part in found}
    assert len(told) == len(found), where
    for (key, kind), ones in groups.items():
        exact = worth(ones)
        part = told.pop((key, kind), None)
        if part is None:
            assert (exact, requests(ones)) == (0, 0), (*where, key)
            assert not without_rate(ones), (*where, key)
            continue
        assert abs(in_nanos(part.cost) - exact) < 1, (*where, key)
        if part.cost is None:
            assert lacking(ones), (*where, key)
            assert (part.share, part.average) == (None, None), (*where, key)
            continue
        assert (part.generations, part.unpriced) == (requests(ones), unpriced(ones)), (*where, key)
        assert (part.share is None) == (whole <= 0), (*where, key)
        if part.share is not None:
            assert abs(part.share - in_nanos(part.cost) / whole) <= 1e-6 * max(1, abs(part.share)), (*where, key)
        if by == "weekday" and asked.weekdays is not None and key is not None:
            times = asked.weekdays[WEEKDAYS.index(key)]
            assert part.days is not None
            assert abs(part.days - times) < 1e-6, (*where, key)
            assert_average(part.average, [one for one in asked.known if key_of(one, by) == key], times)
        if by == "hour" and key is not None and asked.days:
            assert_average(part.average, [one for one in asked.known if key_of(one, by) == key], asked.days)
    assert all((in_nanos(part.cost), part.generations) == (0, 0) for part in told.values()), where


def assert_average(average: Money | None, ones: list[Counted], times: Fraction) -> None:
    """Parts are rounded together, to whole nanos: each can be one off."""
    assert (average is None) == (times == 0)
    if average is not None:
        assert abs(average.nanos - worth(ones) / times) <= 1 / times + 1


def assert_peaks(peaks, asked: Asked, internal: list[Counted]) -> None:
    """The dearest weekday is that on which one of them cost most on average, of those that the window has had."""
    spent: dict[str | None, Fraction] = defaultdict(Fraction)
    by_hour: dict[str | None, Fraction] = defaultdict(Fraction)
    for one in internal:
        spent[key_of(one, "weekday")] += worth([one])
        by_hour[key_of(one, "hour")] += worth([one])
    if worth(internal) <= 0 or not asked.days:
        assert peaks == Peaks(weekday=None, hour=None)
        return
    assert peaks.hour is not None
    assert by_hour[peaks.hour.key] == max(by_hour.values())
    if asked.weekdays is None or asked.days < 7:
        return
    means = {
        key: spent[key] / times for key, times in zip(WEEKDAYS, asked.weekdays, strict=True) if times and key in spent
    }
    if sum(spent[key] for key in means) > 0:
        assert peaks.weekday is not None
        assert means[peaks.weekday.key] == max(means.values())
        assert abs(peaks.weekday.average.nanos - max(means.values())) <= 1
