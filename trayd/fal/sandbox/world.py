"""The simulated fal: its accounts and its time.

Nothing ticks in the background: whoever looks first lets everything happen that is due by now, in its order. So the
world is a function of its options and of the clock handed in.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from threading import RLock

import msgspec

from trayd.errors import UsageError
from trayd.fal.sandbox.account import Account, Keys
from trayd.fal.sandbox.catalogue import Endpoint, catalogue
from trayd.fal.sandbox.jobs import Job, Pace, charge, place, uuid7
from trayd.fal.sandbox.options import SandboxOptions, ScriptedJob
from trayd.fal.sandbox.studio import USERNAMES, Studio
from trayd.money import EXACT, nanos_of

Clock = Callable[[], datetime]

_OTHER_BALANCE = Decimal("164.75")
_UNIT_DIGITS = Decimal("1e-12")


def system_clock() -> datetime:
    """The time now, UTC."""
    return datetime.now(UTC)


class World:
    """Everything that the API answers from.

    Safe to use from several threads: every method holds ``lock``, and who reads several things that must fit together
    holds it too.

    Attributes:
        start: the moment at which the past ends and the simulation begins to run.
        accounts: the first is the one that options speak of.
        names: display names that were changed, by endpoint id.
        scripted: the jobs of the script, in its order, also those that are still to come.
    """

    def __init__(self, options: SandboxOptions, clock: Clock = system_clock) -> None:
        self.lock = RLock()
        self.options = options
        self._clock = clock
        self._frozen_at: datetime | None = None
        self.names: dict[str, str] = {}
        moment = clock()
        self.start = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
        self.pace = Pace(self.start, options.speed)
        self.scripted = tuple(self._script(index, line) for index, line in enumerate(options.script))
        self.accounts = tuple(self._account(number) for number in range(options.accounts))

    def _account(self, number: int) -> Account:
        options = self.options
        name = USERNAMES[number % len(USERNAMES)]
        studio = Studio(name if number < len(USERNAMES) else f"{name}-{number}", options.seed)
        first = number == 0
        secret = studio.keys[-1].api_key_id
        return Account(
            studio,
            Keys(
                admin_key=(first and options.admin_key) or f"admin-{secrets.token_hex(4)}:{secrets.token_hex(16)}",
                spare_admin_key=f"admin-{secrets.token_hex(4)}:{secrets.token_hex(16)}",
                api_key=(first and options.api_key) or f"{secret}:{secrets.token_hex(16)}",
            ),
            self.pace,
            days=options.days,
            per_day=options.per_day,
            balance=options.balance if first else _OTHER_BALANCE,
            top_up=options.top_up,
            scripted=self.scripted if first else (),
        )

    def _script(self, index: int, line: ScriptedJob) -> Job:
        studio = Studio(USERNAMES[0], self.options.seed)
        order = studio.order(_priced(line.endpoint_id), line.units)
        if line.billed_after_s is not None:
            bill_after_s = line.billed_after_s * self.pace.speed
            order = msgspec.structs.replace(order, bill_after_s=bill_after_s, list_after_s=bill_after_s)
        sent_at = self.start + timedelta(seconds=line.after_s)
        return place(order, sent_at, studio, self.pace, studio.rng("script", index))

    @property
    def now(self) -> datetime:
        """The clock's time, to the millisecond, UTC."""
        moment = self._clock()
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    @property
    def frozen(self) -> bool:
        """The simulation stands still."""
        return self._frozen_at is not None

    def advance(self) -> datetime:
        """Lets everything happen that is due.

        Returns:
            The moment up to which the world is known: now, or when it was frozen.
        """
        with self.lock:
            moment = self._frozen_at or self.now
            for account in self.accounts:
                account.advance(moment)
            return moment

    def freeze(self) -> None:
        """Stops the simulation: nothing arrives, ends, is billed or listed any more."""
        with self.lock:
            self._frozen_at = self.advance()

    def resume(self) -> None:
        """Lets it go on. What would have arrived meanwhile never does; what was under way has ended."""
        with self.lock:
            self._frozen_at = None
            for account in self.accounts:
                account.skip_to(self.now)

    def account(self, username: str | None = None) -> Account:
        """The account of that name, as a rule the first.

        Raises:
            UsageError: there is none.
        """
        for account in self.accounts:
            if username in (None, account.username):
                return account
        names = ", ".join(account.username for account in self.accounts)
        raise UsageError(f"the sandbox has no account {username!r}", f"name one of: {names}")

    def set_balance(self, amount: Decimal, username: str | None = None) -> None:
        """Sets an account's credits, in dollars."""
        with self.lock:
            self.account(username).set_balance(nanos_of(amount), self.advance())

    def top_up(self, amount: Decimal, username: str | None = None) -> None:
        """Adds credits that were bought, in dollars."""
        with self.lock:
            now = self.advance()
            account = self.account(username)
            account.set_balance(account.balance + nanos_of(amount), now)

    def lock_account(self, *, locked: bool = True, username: str | None = None) -> None:
        """Has fal lock an account, or unlock it."""
        with self.lock:
            self.advance()
            self.account(username).locked = locked

    def rename(self, endpoint_id: str, name: str) -> None:
        """Changes an endpoint's display name, from now on.

        Raises:
            UsageError: there is no such endpoint.
        """
        if endpoint_id not in catalogue():
            raise UsageError(f"the sandbox has no endpoint {endpoint_id!r}", "name one that /models lists")
        with self.lock:
            self.names[endpoint_id] = name

    def hide(self, request_id: str, *, hidden: bool = True) -> None:
        """Leaves a request out of the billing events although usage counts it, or shows it again.

        Raises:
            UsageError: no account has that request.
        """
        with self.lock:
            for account in self.accounts:
                if account.job(request_id):
                    (account.hidden.add if hidden else account.hidden.discard)(request_id)
                    return
        raise UsageError(f"the sandbox has no request {request_id!r}", "give the id of one that was billed")

    def add_job(
        self,
        endpoint_id: str,
        *,
        units: Decimal = Decimal(1),
        cost: Decimal | None = None,
        age_s: float = 0,
        key: str | None = None,
        username: str | None = None,
    ) -> Job:
        """A job that has just ended and is billed already.

        Args:
            endpoint_id: an endpoint that has a price.
            units: the quantity that is billed.
            cost: dollars, instead of ``units``; the quantity follows from it and no discount is taken off.
            age_s: how long ago it was sent, in real seconds.
            key: the API key or team member that it was sent with, as a rule the first key.
            username: the account, as a rule the first.

        Raises:
            UsageError: the endpoint, the key or the account is unknown, or the endpoint has no price.
        """
        with self.lock:
            now = self.advance()
            account = self.account(username)
            endpoint = _priced(endpoint_id)
            sent_at = now - timedelta(milliseconds=round(age_s * 1000))
            percent = account.studio.discount(endpoint, sent_at.date())
            if cost is not None:
                units, percent = _units_for(cost, endpoint), None
            order = account.studio.order(endpoint, units, None if key is None else account.studio.caller(key))
            row = charge(order, units, percent, billed_at=now, listed_at=now)
            if cost is not None:
                row = msgspec.structs.replace(row, subtotal=nanos_of(cost), total=nanos_of(cost))
            job = Job(
                request_id=uuid7(sent_at, account.studio.rng("added", secrets.token_hex(8))),
                endpoint=endpoint,
                caller=order.caller,
                status_code=200,
                sent_at=sent_at,
                started_at=sent_at,
                ended_at=now,
                queue_s=order.queue_s,
                run_s=order.run_s,
                charges=(row,),
            )
            account.add(job, now)
            account.advance(now)
            return job

    def submit(self, endpoint: Endpoint, account: Account) -> Job:
        """A request that someone really makes: it waits, runs and is billed at the simulation's pace.

        Raises:
            UsageError: the endpoint has no price.
        """
        with self.lock:
            now = self.advance()
            order = account.studio.order(_priced(endpoint.id), endpoint.units)
            rng = account.studio.rng("submitted", secrets.token_hex(8))
            job = place(order, now, account.studio, self.pace, rng)
            account.add(job, now)
            return job


def _priced(endpoint_id: str) -> Endpoint:
    endpoint = catalogue().get(endpoint_id)
    if endpoint is None or endpoint.price is None:
        raise UsageError(
            f"the sandbox has no price for {endpoint_id!r}", "name an endpoint that /models/pricing prices"
        )
    return endpoint


def _units_for(cost: Decimal, endpoint: Endpoint) -> Decimal:
    if not endpoint.price:
        return Decimal(1)
    return EXACT.quantize(EXACT.divide(cost, endpoint.price), _UNIT_DIGITS).normalize(EXACT)
