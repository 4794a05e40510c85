"""Rules about the money that is left: the balance itself, how long it will last, and credits that expire."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal

import msgspec

from trayd.alert_settings import Alerts
from trayd.alerts.rules.finding import About, Finding, Step, and_where_it_stands, ending, open_episodes
from trayd.alerts.rules.jobs import LIMIT_CURRENCY
from trayd.alerts.rules.observed import Observed, account_of
from trayd.insight.credits import SMALLEST_AT_STAKE, Expiring
from trayd.insight.forecast import AccountForecast, Burn, RunOut
from trayd.money import Money

# A threshold counts as recovered once the balance is a tenth above it, and at least this much, so that a balance that
# hovers around it (fal corrects a bill, a small top-up) is told once.
_RECOVERY_FACTOR = Decimal("1.1")
_RECOVERY_MARGIN = Decimal("1.00")

# A forecast moves from day to day. It counts as recovered once it is half as far again, and at least so many days.
_DAYS_MARGIN = 3


class RunningOut(msgspec.Struct, frozen=True, kw_only=True):
    """A balance that will not last long.

    Attributes:
        today: the civil day on which this is told.
    """

    account: str
    balance: Money
    burn: Burn
    run_out: RunOut
    today: date


class CreditsExpire(msgspec.Struct, frozen=True, kw_only=True):
    """Credits that will be taken away.

    Attributes:
        expires: the first day on which they may be gone, in ``days`` days.
        unused: what will be left of them by then, as the account spends.
        bought: the day that they were seen first.
        today: the civil day on which this is told.
    """

    account: str
    expires: date
    days: int
    unused: Money
    bought: date
    today: date


def balance(observed: Observed, limits: Alerts) -> Iterator[Finding]:
    """The balance of an account is under a threshold.

    Only a reading speaks. An account on invoice has no balance, and one that became such ends its episode, as does one
    that was taken out of the settings. A balance in another currency than the thresholds is not compared with them.
    """
    without = _without_credits(observed)
    for account, reading in observed.balances.items():
        if reading.amount.currency != LIMIT_CURRENCY:
            continue
        episode = observed.episodes.get(f"balance:{account}")
        thresholds = () if account in without else and_where_it_stands(limits.balance_below, episode, falling=True)
        amount = reading.amount.amount
        steps = tuple(
            Step(Money.of(threshold).text(), reached=amount < threshold, held=amount < _recovery(threshold))
            for threshold in thresholds
        )
        about = About(amount=reading.amount, account=account)
        yield Finding(rule="balance", scope=account, subject=reading, steps=steps, about=about)


def _without_credits(observed: Observed) -> set[str]:
    """The accounts whose balance is nobody's concern: on invoice, or taken out of the settings."""
    without = {account_of(fact) for fact in observed.accounts if not fact.has_credits}
    # An account can be set up under two names, and one of them be taken out.
    return without | (set(map(account_of, observed.removed)) - set(map(account_of, observed.accounts)))


def _recovery(threshold: Decimal) -> Decimal:
    """The balance at which the threshold is armed again."""
    return max(threshold * _RECOVERY_FACTOR, threshold + _RECOVERY_MARGIN)


def run_out(observed: Observed, limits: Alerts) -> Iterator[Finding]:
    """The balance of an account is expected to be used up within some days.

    Only a forecast speaks; one by which the balance lasts for a year is a recovery, none at all is nothing. With the
    time alone its day comes nearer, so nothing begins by a balance of days ago. Where the balance is under its lowest
    threshold already, that warning says all that this one would, so it is not begun.
    """
    without = _without_credits(observed)
    done: set[str] = set()
    for forecast in observed.forecasts:
        account = forecast.in_ledger
        # An account can be set up under two names.
        if account in done or account in without:
            continue
        done.add(account)
        if not limits.run_out_within_days:
            yield Finding(rule="run_out", scope=account)
        elif forecast.burn is not None and forecast.balance is not None:
            yield _run_out_finding(forecast, observed, limits, account)
    for episode in open_episodes(observed, "run_out"):
        if episode.scope in without:
            yield ending(episode)


def _run_out_finding(forecast: AccountForecast, observed: Observed, limits: Alerts, account: str) -> Finding:
    end, episode = forecast.run_out, observed.episodes.get(f"run_out:{account}")
    if end is None or forecast.burn is None or forecast.balance is None:
        step = Step(str(limits.run_out_within_days), reached=False, held=False)
        return Finding(rule="run_out", scope=account, steps=(step,))
    days = (end.day - observed.today).days
    low = _lowest_is_told(observed, limits, account, forecast.balance)
    begins = not low and account not in observed.unanswered
    steps = tuple(
        Step(
            str(within),
            reached=days <= within and begins,
            held=days <= within + max(within // 2, Decimal(_DAYS_MARGIN)),
        )
        for within in and_where_it_stands([Decimal(limits.run_out_within_days)], episode, falling=True)
    )
    subject = RunningOut(
        account=account, balance=forecast.balance, burn=forecast.burn, run_out=end, today=observed.today
    )
    about = About(amount=forecast.balance, account=account)
    return Finding(rule="run_out", scope=account, subject=subject, steps=steps, about=about)


def _lowest_is_told(observed: Observed, limits: Alerts, account: str, left: Money) -> bool:
    """Whether the balance is under the lowest of its thresholds, or has not recovered from that."""
    if "balance" in limits.off or not limits.balance_below or left.currency != LIMIT_CURRENCY:
        return False
    lowest = min(limits.balance_below)
    episode = observed.episodes.get(f"balance:{account}")
    told = episode is not None and episode.resolved is None and episode.level == Money.of(lowest).text()
    return left.amount < (_recovery(lowest) if told else lowest)


def expiry(observed: Observed, limits: Alerts) -> Iterator[Finding]:
    """Credits of an account will expire soon, and will not be used by then as it spends.

    What expires on one day has one episode. It ends when they are used up or gone. Nothing begins by a balance of days
    ago.
    """
    if observed.expiring is None:
        return
    lots: dict[tuple[str, date], list[Expiring]] = {}
    for each in observed.expiring:
        if each.lot.expires is not None:
            lots.setdefault((each.account, each.lot.expires), []).append(each)
    told = set()
    without = _without_credits(observed)
    for (account, expires), together in lots.items():
        if account not in without:
            finding = _expiry_finding(account, expires, together, observed, limits)
            told.add(finding.episode_id)
            yield finding
    for episode in open_episodes(observed, "expiry"):
        if episode.id not in told:
            yield ending(episode)


def _expiry_finding(
    account: str, expires: date, together: Sequence[Expiring], observed: Observed, limits: Alerts
) -> Finding:
    currency = together[0].unused.currency
    unused = Money(sum(each.unused.nanos for each in together), currency)
    days = (expires - observed.today).days
    begins = unused.nanos >= SMALLEST_AT_STAKE.nanos and account not in observed.unanswered
    period = expires.isoformat()
    within_days = [Decimal(each) for each in limits.credits_expire_within_days]
    episode = observed.episodes.get(f"expiry:{account}:{period}")
    steps = tuple(
        Step(str(within), reached=begins and days <= within, held=days <= within)
        for within in and_where_it_stands(within_days, episode, falling=True)
    )
    subject = CreditsExpire(
        account=account,
        expires=expires,
        days=days,
        unused=unused,
        bought=together[0].lot.at.astimezone(observed.zone).date(),
        today=observed.today,
    )
    about = About(amount=unused, account=account)
    return Finding(rule="expiry", scope=account, period=period, subject=subject, steps=steps, about=about)
