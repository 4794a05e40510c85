"""Pool costs: what projects share, such as a monthly plan, and how each period's cost is divided among them.

A cost is divided in its own currency, in whole nanos, by the largest remainder: the shares add up to it exactly. Who
shares, and by how much, is what the projects did in the period; a project is a name and the client that it is for.
"""

from __future__ import annotations

import hashlib
from calendar import monthrange
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from functools import reduce
from typing import NamedTuple

import msgspec

from trayd.insight.tally import Tally
from trayd.money import EXACT, Money, apportion
from trayd.records import ExternalCost, Kind

#: ``spend``, ``equal``, or weights by the names of projects or ``Client/Project``.
Split = str | Mapping[str, Decimal]

SPEND = "spend"
EQUAL = "equal"

_DAY = timedelta(days=1)
_MONTHS_OF = {"month": 1, "quarter": 3, "year": 12}
_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ID_BYTES = 6
_TENTH = Decimal("0.1")


class Project(NamedTuple):
    """A project: its name, and its client where it has one."""

    client: str | None
    name: str

    @property
    def order(self) -> tuple[str, str]:
        """By which projects are sorted, so that the same ones always come in the same order."""
        return self.client or "", self.name


class Unsettled(NamedTuple):
    """What can still change the shares of a cost.

    Attributes:
        until: work up to this day, the last one of its period; None: the period is over, and only what fal has not
            billed of it, or what has no exchange rate.
    """

    until: date | None


class PoolCost(msgspec.Struct, frozen=True):
    """A shared cost as a whole, and the period that it is for.

    Attributes:
        cost: the whole. One with a project belongs to that alone; one with a client is shared by the projects of that.
        since: the first day of the period, and ``until`` the first one after it.
        recurs: whether it is known to come again; of an imported one nothing tells that.
    """

    cost: ExternalCost
    since: date
    until: date
    split: Split = SPEND
    recurs: bool = False

    @property
    def how(self) -> str:
        """What it is divided by, in words."""
        if not isinstance(self.split, str):
            return "by fixed weights"
        return {SPEND: "by spend", EQUAL: "in equal parts"}[self.split]

    @classmethod
    def of_month(cls, cost: ExternalCost) -> PoolCost:
        """An imported cost: it is for the calendar month of its date, and divided by what was spent in it."""
        first = cost.date.replace(day=1)
        return cls(cost, first, _months_after(first, 1))

    def unsettled(self, today: date, spending: Mapping[Project, Tally]) -> Unsettled | None:
        """What can still change its shares.

        None where they are final: where weights divide it, where one project bears all of it, or once its period is
        over and what it is divided by is billed.

        Args:
            today: the civil day that it is.
            spending: as :func:`shares` is given it.
        """
        if not isinstance(self.split, str) or self.cost.project:
            return None
        if today < self.until:
            return Unsettled(self.until - _DAY)
        client = self.cost.client
        weighed = (tally for project, tally in spending.items() if not client or project.client == client)
        return None if self.split != SPEND or all(tally.is_settled for tally in weighed) else Unsettled(None)


class Share(NamedTuple):
    """What a project bears of a shared cost: in nanos, and as a part of the whole, 1 being all of it."""

    project: Project
    nanos: int
    part: Decimal


def charged(
    name: str, amount: Money, *, period: str, since: date, to: date | None, split: Split, today: date
) -> Iterator[PoolCost]:
    """The costs of a pool up to today, one for each period that has begun, dated on its first day.

    Args:
        name: what it is for: the description of the costs, and the source that they are from.
        amount: what a period costs.
        period: week, month, quarter, year or once. Months begin on the day of ``since``, in shorter ones on their last.
        since: the first day.
        to: no period begins after it; of one that is charged once, the last day of the period. Once without an end
            is for the calendar month.
        split: how they are divided.
        today: the civil day that it is.
    """
    for first, until in _periods(period, since, to, today):
        start = since if period == "once" else first
        cost = ExternalCost(
            id=_hash("pool", name, start.isoformat()),
            date=start,
            description=name,
            amount=amount,
            source=name,
            kind=Kind.POOL,
        )
        yield PoolCost(cost, first, until, split, recurs=period != "once")


def _periods(period: str, since: date, to: date | None, today: date) -> Iterator[tuple[date, date]]:
    """The periods that have begun: the first day of each, and the first one after it."""
    if period == "once":
        if since <= today:
            month = since.replace(day=1)
            yield (since, to + _DAY) if to else (month, _months_after(month, 1))
        return
    last = min(today, to or today)
    number, start = 1, since
    while start <= last:
        until = since + number * 7 * _DAY if period == "week" else _months_after(since, number * _MONTHS_OF[period])
        yield start, until
        number, start = number + 1, until


def _months_after(day: date, months: int) -> date:
    """The same day so many months later; the last of the month where that is too short."""
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def shares(pool: PoolCost, spending: Mapping[Project, Tally], known: Callable[[], Collection[Project]]) -> list[Share]:
    """What each project bears; empty where the cost is not divided: it has a project, or nobody shares it.

    Args:
        pool: the cost.
        spending: what each project that has any record in the period spent in it.
        known: all projects of all times; asked where weights name one that has no record in the period.
    """
    weights = _weights(pool, spending, known)
    if not any(weights.values()):
        return []
    sharing = sorted(weights, key=lambda project: project.order)
    total = reduce(EXACT.add, weights.values())
    divided = apportion(pool.cost.amount.nanos, [weights[project] for project in sharing])
    return [
        Share(project, nanos, EXACT.divide(weights[project], total))
        for project, nanos in zip(sharing, divided, strict=True)
        if nanos
    ]


def _weights(
    pool: PoolCost, spending: Mapping[Project, Tally], known: Callable[[], Collection[Project]]
) -> dict[Project, Decimal]:
    cost, split = pool.cost, pool.split
    if cost.project:
        return {}
    if isinstance(split, str):
        sharing = {each: tally for each, tally in spending.items() if not cost.client or each.client == cost.client}
        if split == EQUAL:
            return dict.fromkeys(sharing, Decimal(1))
        # A project that was refunded more than it spent bears nothing.
        return {project: max(tally.exact, Decimal(0)) for project, tally in sharing.items()}
    weights: dict[Project, Decimal] = {}
    for name, weight in split.items():
        project = named(name, spending.keys(), known)
        weights[project] = EXACT.add(weights.get(project, Decimal(0)), weight)
    return weights


def named(name: str, near: Collection[Project], known: Callable[[], Collection[Project]]) -> Project:
    """The project that weights mean by this name.

    ``Client/Project`` names both. A name alone means the one project of that name in the period, else of all times;
    where several clients have one, or nobody has, it stands for itself, without a client.

    Args:
        name: as in the settings.
        near: the projects of the period.
        known: all projects of all times; asked where the period has none of that name.
    """
    return (matching(name, near) or matching(name, known()) or [_unknown(name)])[0]


def matching(name: str, projects: Collection[Project]) -> list[Project]:
    """The projects that a name in weights can mean: one, where that is clear."""
    pairs = [Project(name[:place], name[place + 1 :]) for place, sign in enumerate(name) if sign == "/"]
    both = [pair for pair in pairs if pair in projects]
    if both:
        return both[:1]
    alone = [project for project in projects if project.name == name]
    return alone if len(alone) == 1 else [Project(None, name)] if alone else []


def _unknown(name: str) -> Project:
    client, slash, project = name.partition("/")
    return Project(client, project) if slash and client and project else Project(None, name)


def trouble(
    pool: PoolCost,
    spending: Mapping[Project, Tally],
    known: Callable[[], Collection[Project]],
    among: Collection[Share],
) -> str:
    """What a person has to know of how a cost is divided: that nobody shares it, or whose share is not clear.

    Args:
        pool: the cost.
        spending: as :func:`shares` was given it, and ``known``.
        known: all projects of all times.
        among: what :func:`shares` found.
    """
    cost, split = pool.cost, pool.split
    if cost.project or not cost.amount.nanos:
        return ""
    if isinstance(split, str):
        whose = f"no project of {cost.client}" if cost.client else "no project"
        did = "has a record" if split == EQUAL else "spent anything"
        return "" if among else f"nobody shares it: {whose} {did} in {told(pool.since, pool.until)}"
    return "; ".join(filter(None, (_unclear(name, spending.keys(), known) for name in split)))


def _unclear(name: str, near: Collection[Project], known: Callable[[], Collection[Project]]) -> str:
    project = named(name, near, known)
    if project in near or project in known():
        return ""
    clients = sorted(other.client or "(none)" for other in known() if other.name == name)
    if clients:
        return f"{name!r} is a project of {' and of '.join(clients)}: write Client/Project"
    return f"no record is of a project {name!r}"


def divided(pool: PoolCost, spending: Mapping[Project, Tally], among: Collection[Share]) -> tuple[ExternalCost, ...]:
    """The cost as its shares, a record each, in the order of their ids; as a whole where there are none.

    Each says in its note what part of what it is: ``62.5 % of 30.00 USD by spend, Nov 2026``.

    Args:
        pool: the cost.
        spending: as :func:`shares` was given it.
        among: what :func:`shares` found.
    """
    if not among:
        return (pool.cost,)
    basis = _basis(pool, spending)
    pieces = (
        msgspec.structs.replace(
            pool.cost,
            id=share_id(pool.cost.id, share.project),
            client=share.project.client,
            project=share.project.name,
            amount=Money(share.nanos, pool.cost.amount.currency),
            note=f"{_percent(share.part)} {basis}",
        )
        for share in among
    )
    return tuple(sorted(pieces, key=lambda piece: piece.id))


def share_id(pool_id: str, project: Project) -> str:
    """The id of a project's share."""
    return f"{pool_id}.{_hash(project.client, project.name)[: 2 * _ID_BYTES]}"


def whole_id(record_id: str) -> str:
    """The id of the shared cost that a share is of; an id of anything else is its own."""
    whole, dot, mark = record_id.rpartition(".")
    return whole if dot and len(mark) == 2 * _ID_BYTES else record_id


def _basis(pool: PoolCost, spending: Mapping[Project, Tally]) -> str:
    amount = pool.cost.amount
    whole = f"of {amount.text()} {amount.currency} {pool.how}, {told(pool.since, pool.until)}"
    return "; ".join(filter(None, (whole, remark(pool, spending))))


def remark(pool: PoolCost, spending: Mapping[Project, Tally]) -> str:
    """What there is to know of how a cost is divided, and its own note; empty where there is nothing."""
    cost, parts = pool.cost, list[str]()
    if pool.split == SPEND:
        parts += _not_weighed(
            [tally for each, tally in spending.items() if not cost.client or each.client == cost.client]
        )
    return "; ".join([*parts, *([cost.note] if cost.note else [])])


def _not_weighed(tallies: Collection[Tally]) -> Iterator[str]:
    """What the projects spent that is not known in the home currency, and so has no part in their weights.

    How much it is stays untold: a share's note is read by the client of one project, and this is of all of them.
    """
    currencies = sorted({currency for tally in tallies for currency in tally.left_out})
    if currencies:
        yield f"without amounts in {', '.join(currencies)}, for want of an exchange rate"
    if unpriced := sum(tally.unpriced for tally in tallies):
        yield f"without {unpriced} {'generation that has' if unpriced == 1 else 'generations that have'} no price yet"


def _percent(part: Decimal) -> str:
    percent = EXACT.multiply(part, Decimal(100)).quantize(_TENTH)
    return f"{percent:f} %" if percent else "under 0.1 %"


def told(since: date, until: date) -> str:
    """A period in words: ``Nov 2026``, ``2026``, ``2026-01-15 to 2026-02-14``."""
    if since.day == 1 and until == _months_after(since, 1):
        return f"{_NAMES[since.month - 1]} {since.year}"
    if (since.month, since.day) == (1, 1) and until == _months_after(since, 12):
        return str(since.year)
    return f"{since} to {until - _DAY}"


def _hash(*parts: str | None) -> str:
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()
