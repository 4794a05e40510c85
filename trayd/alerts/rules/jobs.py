"""Rules about what is submitted: a single job that is expensive, and many that are so together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import NamedTuple

import msgspec

from trayd.alert_settings import Alerts
from trayd.alerts.rules.finding import About, Finding, Step
from trayd.alerts.rules.observed import Observed
from trayd.episodes import NEVER_TOLD
from trayd.facts import Coverage
from trayd.money import Money
from trayd.records import Counting, Generation

#: The currency of fal's balances and bills, and so of the limits in the settings.
LIMIT_CURRENCY = "USD"

#: A generation older than this is never told as expensive: a warning is for what can still be stopped.
EXPENSIVE_WITHIN = timedelta(hours=24)

#: Jobs of one account and key were submitted together when each follows the one before it within this time.
BETWEEN_JOBS = timedelta(seconds=10)

#: And when all of them were submitted within this time; what goes on for longer is told again.
TOGETHER_WITHIN = timedelta(minutes=2)

_AT_LEAST_JOBS = 2
_TAGS = ("client", "project", "deliverable")


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Jobs that were submitted together, and the first and the last time that one was (in the user's zone).

    Attributes:
        jobs: how many, and ``own_warning`` how many of them were or are told of by themselves.
        cost: of all of them, by bills, and by estimates where there are none yet.
        estimated: whether there are estimates in it.
        models: how many jobs ran on each model, the most first.
        tags: client, project and deliverable, those of them that all jobs share.
    """

    jobs: int
    own_warning: int
    cost: Money
    estimated: bool
    models: Mapping[str, int]
    tags: tuple[str, ...]
    first: datetime
    last: datetime


def expensive(observed: Observed, limits: Alerts) -> Iterator[Finding]:
    """One generation cost as much as the limit or more: by its actual, until then by its estimate.

    An estimate in another currency than the limit waits for the bill. Which generations count: :func:`_is_news`.
    """
    if not limits.expensive_generation:
        return
    limit = Money.of(limits.expensive_generation, LIMIT_CURRENCY)
    reached = (Step(limit.text(), reached=True, held=True),)
    for generation in news(observed):
        cost = generation.cost
        if cost is not None and cost.nanos >= limit.nanos:
            about = About(amount=cost, account=generation.account, client=generation.client, project=generation.project)
            yield Finding(
                rule="expensive", scope=generation.id, subject=generation, steps=reached, once=True, about=about
            )


def news(observed: Observed) -> Iterator[Generation]:
    """The generations that may be told of: those with a cost in the limits' currency that are news."""
    for generation in observed.generations or ():
        cost = generation.cost
        if cost is None or cost.currency != LIMIT_CURRENCY or not cost.nanos:
            continue
        if _is_news(generation, observed.coverage.get(generation.account), observed.at):
            yield generation


def _is_news(generation: Generation, coverage: Coverage | None, now: datetime) -> bool:
    """Whether the generation ran under trayd's eyes, not before it was set up.

    With billing covered: when it is timed after the first completed poll. Without (no Admin key, or the first poll is
    still running): when an event told of it and no bill did, because a bill can then only come from the backfill.

    An event without a request id on a covered account is left to its bill, which will come under another id: else one
    job would be told twice.
    """
    if now - generation.timestamp >= EXPENSIVE_WITHIN:
        return False
    if coverage is None:
        return generation.actual is None
    return generation.request_id is not None and generation.timestamp > coverage.first_completed_at


def together(observed: Observed, limits: Alerts) -> Iterator[Finding]:
    """Two jobs or more that were submitted together cost as much as the limit or more.

    A group is told once, whatever is learned of it later. What is told already does not count towards the limit: jobs
    that are expensive by themselves, and jobs of another group that rows that came late have moved into this one. Of
    what the whole group came to, the former are a part.
    """
    if not limits.expensive_together:
        return
    limit = Money.of(limits.expensive_together, LIMIT_CURRENCY)
    told = _told_groups(observed)
    alone = _told_alone(observed, limits)
    began = {known.began_with for known in told}
    oldest = min((generation.timestamp for generation in observed.generations or ()), default=observed.at)
    recent = [known for known in told if known.last >= oldest]
    for group in _groups(news(observed)):
        if began.isdisjoint(job.id for job in group):
            jobs = [job for job in group if not any(known.holds(job) for known in recent)]
            left = [job for job in jobs if job.id not in alone]
            if len(left) >= _AT_LEAST_JOBS and _cost(left).nanos >= limit.nanos:
                yield _together_finding(jobs, alone, limit, observed.zone)


def _told_alone(observed: Observed, limits: Alerts) -> dict[str, str]:
    """Jobs that are expensive by themselves, each with the id of its alert; imported ones have none, and ``""``."""
    alone = {}
    if "expensive" not in limits.off:
        alone = {finding.scope: finding.episode_id for finding in expensive(observed, limits)}
    told = (episode for episode in observed.episodes.values() if episode.rule == "expensive")
    return alone | {episode.scope: "" if episode.told == NEVER_TOLD else episode.id for episode in told}


def _cost(jobs: Iterable[Generation]) -> Money:
    return Money(sum(job.cost.nanos for job in jobs if job.cost is not None), LIMIT_CURRENCY)


class _Told(NamedTuple):
    """A group that was told of.

    Attributes:
        began_with: the id of its first job. Its time may not stay: a bill can tell another one than the event did.
        key: None where that job's key is not known, and stands for any.
    """

    began_with: str
    account: str | None
    key: str | None
    first: datetime
    last: datetime

    def holds(self, job: Generation) -> bool:
        """Whether the job was submitted with it."""
        return (
            self.account == job.account
            and (self.key is None or job.key is None or self.key == job.key)
            and self.first <= job.timestamp <= self.last
        )


def _told_groups(observed: Observed) -> list[_Told]:
    keys = {generation.id: generation.key for generation in observed.generations or ()}
    told = []
    for episode in observed.episodes.values():
        if episode.rule == "together":
            first, _, last = episode.period.partition("/")
            times = datetime.fromisoformat(first), datetime.fromisoformat(last)
            told.append(_Told(episode.scope, episode.account, keys.get(episode.scope), *times))
    return told


def _groups(generations: Iterable[Generation]) -> Iterator[list[Generation]]:
    """The jobs by account, key and the time they were submitted, each group in the order of that."""
    by_submitter: dict[tuple[str, str], list[Generation]] = {}
    for generation in generations:
        by_submitter.setdefault((generation.account, generation.key or ""), []).append(generation)
    for jobs in by_submitter.values():
        jobs.sort(key=lambda job: (job.timestamp, job.id))
        group = jobs[:1]
        for job in jobs[1:]:
            if (
                job.timestamp - group[-1].timestamp > BETWEEN_JOBS
                or job.timestamp - group[0].timestamp > TOGETHER_WITHIN
            ):
                yield group
                group = []
            group.append(job)
        yield group


def _together_finding(jobs: Sequence[Generation], alone: Mapping[str, str], limit: Money, zone: tzinfo) -> Finding:
    first, last, cost = jobs[0], jobs[-1], _cost(jobs)
    own = tuple(filter(None, (alone.get(job.id) for job in jobs)))
    client, project, deliverable = (_shared([getattr(job, field) for job in jobs]) for field in _TAGS)
    subject = Group(
        jobs=len(jobs),
        own_warning=len(own),
        cost=cost,
        estimated=any(job.counting is Counting.ESTIMATE for job in jobs),
        models=dict(Counter(job.display_name or job.endpoint_id for job in jobs).most_common()),
        tags=tuple(tag for tag in (client, project, deliverable) if tag),
        first=first.timestamp.astimezone(zone),
        last=last.timestamp.astimezone(zone),
    )
    return Finding(
        rule="together",
        scope=first.id,
        period=f"{first.timestamp.isoformat()}/{last.timestamp.isoformat()}",
        subject=subject,
        steps=(Step(limit.text(), reached=True, held=True),),
        once=True,
        about=About(amount=cost, account=first.account, client=client, project=project, includes=own),
    )


def _shared(tags: Sequence[str | None]) -> str | None:
    """The tag that all have."""
    return tags[0] if len(set(tags)) == 1 else None
