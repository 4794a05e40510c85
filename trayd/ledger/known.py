"""What a ledger knows beside its records: accounts, balances, models, alerts, files, links."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from operator import attrgetter

from trayd.episodes import Episode
from trayd.facts import AccountFact, BalanceJump, Checked, Coverage, Difference, FileTaken, Link, ModelFact, Tagging
from trayd.ledger.naming import readings_of
from trayd.ledger.past import done_at
from trayd.ledger.state import State
from trayd.ledger.tables import ModelKnown
from trayd.records import BalanceReading


class Known:
    """What can be asked of a ledger's state."""

    _state: State

    def _usable(self) -> None:
        """Makes sure that there is something to ask."""

    def link_of(self, record_id: str) -> Link | None:
        """The newest link that a person made of an event without a request id, also one that is taken back."""
        kept = self._state.link(record_id)
        return kept.link if kept else None

    def undone_links(self) -> tuple[Link, ...]:
        """The links that a person has taken back, and not made again."""
        kept = self._state.rows("links").values()
        return tuple(each.link for each in kept if each.link.undone is not None)

    def taggings(self) -> tuple[Tagging, ...]:
        """What a person did to many records at once, the oldest first, as far back as it is kept."""
        return tuple(sorted(self._state.rows("taggings").values(), key=attrgetter("number")))

    def latest_balances(self) -> dict[str, BalanceReading]:
        """The newest balance that fal told of each account."""
        return self._state.latest_balances()

    def balances(self, account: str | None = None, since: datetime | None = None) -> Iterator[BalanceReading]:
        """The balances that fal told, oldest first, of one account or all.

        Those of the last week are in memory; older ones are read from their files, a month at a time.

        Args:
            account: any name of an account.
            since: the first instant taken in (with a zone); None goes back to the beginning.

        Raises:
            LedgerDamagedError: both files of a month that is asked for are damaged.
        """
        self._usable()
        return self._state.balances(account, since)

    def jumps(self, account: str | None = None) -> tuple[BalanceJump, ...]:
        """Where the balance rose from one reading to the next, or more than six hours lie between them, oldest first.

        Those of the last 400 days are in memory.

        Args:
            account: any name of an account; None takes all.
        """
        self._usable()
        return self._state.jumps(account)

    def first_balance(self, account: str) -> BalanceReading | None:
        """The first balance that fal ever told of an account, by any of its names."""
        self._usable()
        return self._state.first_balance(account)

    def coverage(self, account: str) -> Coverage | None:
        """How far an account's billing has been read."""
        return self._state.coverage(account)

    def accounts(self) -> dict[str, AccountFact]:
        """The accounts, by the names that the user gave them."""
        return dict(self._state.rows("accounts"))

    def models(self) -> dict[str, ModelFact]:
        """The models as they were seen last, by endpoint id."""
        return {endpoint_id: known.latest for endpoint_id, known in self._state.rows("models").items()}

    def model_readings(self) -> tuple[ModelFact, ...]:
        """What was read of the models over time, the oldest first: all that says what they were called, and when.

        Handed in again they tell a ledger the same of its models. Prices are those of today; of older readings none
        is kept.
        """
        known: dict[str, ModelKnown] = self._state.rows("models")
        readings = [fact for model in known.values() for fact in readings_of(model)]
        return tuple(sorted(readings, key=attrgetter("seen_at", "endpoint_id")))

    def coverages(self) -> tuple[Coverage, ...]:
        """How far billing has been read, by account; one account can have several, under its names."""
        return tuple(self._state.rows("coverage").values())

    def base_url(self) -> str | None:
        """The API whose history this is; None while nobody has said."""
        return self._state.base_url()

    def episodes(self) -> dict[str, Episode]:
        """The alerts' episodes that last, or ended in the last months, by id.

        One that another of its id has followed is there as well, under its :attr:`~trayd.episodes.Episode.instance`.
        """
        return self._state.episodes()

    def past_episodes(self, since: datetime | None = None) -> Iterator[Episode]:
        """All episodes that ended at a time or after it, in the order of their ends; None goes back to the first."""
        self._usable()
        return self._state.past_episodes(since)

    def differences(self) -> tuple[Difference, ...]:
        """Where fal's own totals and the ledger's are not the same."""
        return self._state.differences()

    def checks(self) -> dict[str, Checked]:
        """The last comparison of each account's total with fal's own, by account."""
        return dict(self._state.rows("checks"))

    def pause(self) -> datetime | None:
        """Until when a person wants no notifications, as it was said last (UTC); this may be over by now.

        One that was ended is over, however far back the clock has been set since.
        """
        return self._state.pause()

    def statements(self) -> tuple[FileTaken, ...]:
        """The files of costs that were taken in, which stay known by their content for good."""
        files: Iterable[FileTaken] = self._state.rows("files").values()
        return tuple(file for file in files if done_at(file) is None)

    def file_taken(self, digest: str) -> FileTaken | None:
        """The file of this content, if it was taken in before.

        Files with events are known by their content for some months; after that their events are, each by its id.
        """
        file: FileTaken | None = self._state.rows("files").get(digest)
        return file
