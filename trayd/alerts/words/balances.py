"""The words about money that is left."""

from __future__ import annotations

from datetime import timedelta

from trayd.alerts.rules.balances import CreditsExpire, RunningOut
from trayd.alerts.words.writing import MessageContext, Words, sentences, written_day
from trayd.episodes import Urgency
from trayd.money import Money
from trayd.records import BalanceReading

_LOCKS_NOW = "without them fal locks it and jobs fail."
_LOCKS = "when they are used up, fal locks it and jobs fail."
_SOON = timedelta(days=1)


def balance(reading: BalanceReading, context: MessageContext) -> Words:
    """A balance is under a threshold."""
    write, steps = context.write, context.finding.steps
    threshold = write.money(Money.of(steps[context.step].level, reading.amount.currency))
    last = context.step == len(steps) - 1
    cure = "Add credits now" if last else "Add credits in time"
    left = write.money(reading.amount)
    if reading.amount.nanos > 0:
        text = f"{write.owner(reading.account)} has {left} left. {cure}: {_LOCKS}"
    else:
        text = f"{write.owner(reading.account)} is at {left}. {cure}: {_LOCKS_NOW}"
    return Words(
        write.named(f"Balance under {threshold}", reading.account), text, Urgency.CRITICAL if last else Urgency.NORMAL
    )


def running_out(running: RunningOut, context: MessageContext) -> Words:
    """A balance will not last long."""
    write, end, today = context.write, running.run_out, running.today
    latest = f"to {written_day(end.latest, today)}" if end.latest else "or later"
    span = f" ({written_day(end.earliest, today)} {latest})" if end.latest != end.earliest else ""
    if end.day - today <= _SOON:
        when = "today" if end.day <= today else "tomorrow"
        title, left = f"Credits may be used up {when}", f"may be used up {when}"
    else:
        when = written_day(end.day, today)
        title, left = f"Credits last until about {when}", f"lasts until about {when}"
    return Words(
        write.named(title, running.account),
        sentences(
            f"{write.owner(running.account)} has {write.money(running.balance)} left, which {left}{span} "
            f"at about {write.money(running.burn.per_day)} a day.",
            last=f"Add credits {'now' if end.day <= today else 'before that'}: {_LOCKS}",
        ),
    )


def credits_expire(expire: CreditsExpire, context: MessageContext) -> Words:
    """Credits will expire, unused."""
    write = context.write
    amount = write.money(expire.unused)
    day = written_day(expire.expires, expire.today)
    left = "today" if expire.days <= 0 else "tomorrow" if expire.days == 1 else f"in {write.count(expire.days, 'day')}"
    return Words(
        write.named(f"About {amount} of credits expire {left}", expire.account),
        sentences(
            f"{write.owner(expire.account)} will have about {amount} of the credits bought on "
            f"{written_day(expire.bought, expire.today)} left when they expire on {day}, as it spends now.",
            last="Run planned jobs before that; `trayd credits` shows what expires when.",
        ),
    )
