"""Makes what the tray shows from the status and the latest generations: a pure function.

The icon's state is the worst of all accounts, money first: an account under its lowest threshold, empty or locked is
*critical*, under any threshold *low*. Last known balances count too, because a balance does not recover by itself.
Then *offline*, then *stale* (old figures, or no working key). The icon's level is that of the emptiest account and
full at four times the highest threshold, so that the warning begins at a quarter. Alerts do not change the icon: it is
about money and reach, and those of the alerts that are about these show in it already; the menu names them all.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal

from trayd.episodes import UNTIL_RESUMED
from trayd.facts import called
from trayd.insight.forecast import MonthEnd
from trayd.insight.status import AccountStatus, AlertStatus, Spent, Status
from trayd.money import Money, format_money
from trayd.records import Counting, Generation
from trayd.records import Status as Outcome
from trayd.tray.model import IconLook, IconState, MenuItem, TrayView

#: Where the icon is full, in US dollars, when the user has set no thresholds.
FULL_WITHOUT_THRESHOLDS = Decimal(80)

_FULL_AT_THRESHOLDS = 4
# The level is drawn on at most 64 pixels; finer steps would only redraw the same picture.
_LEVEL_STEPS = 48

_RECENT = 4
_NAME_LENGTH = 36
_ACCOUNTS = 6
_ALERTS = 5
_CLIENTS = 6
_TITLE_LENGTH = 60
_TEXT_WIDTH = 64
_TOOLTIP_ACCOUNTS = 3
_A_WEEK = timedelta(days=6)
_HOUR, _DAY = 60, 24 * 60  # in minutes

_STATES = {"locked": IconState.CRITICAL, "offline": IconState.OFFLINE, "stale": IconState.STALE}
_BROKEN_KEYS = frozenset({"no_key", "bad_key"})
_WORST_FIRST = (IconState.CRITICAL, IconState.LOW, IconState.OFFLINE, IconState.STALE, IconState.OK)


#: What can be done about a warning of a rule at a level: what is on a button, and the action that it asks for.
Buttons = Callable[[str, str], Sequence[tuple[str, str]]]

_NO_BALANCE = {
    "ok": "none, fal sends invoices",
    "stale": "not known yet",
    "no_key": "there is no key yet",
    "bad_key": "fal refuses the key",
    "needs_admin": "needs an Admin key",
    "locked": "locked by fal",
    "offline": "not known, fal does not answer",
}

_WINDOWS = (("24h", "Last 24 hours"), ("7d", "Last 7 days"), ("30d", "Last 30 days"))


def tray_view(
    status: Status,
    recent: Sequence[Generation],
    *,
    now: datetime,
    zone: tzinfo,
    locale: str = "en_US",
    thresholds: Sequence[Decimal] = (),
    buttons: Buttons = lambda _rule, _level: (),
    clients: Sequence[str] = (),
) -> TrayView:
    """What the tray shows at ``now``.

    Args:
        status: its ``paused_until`` is :data:`~trayd.records.UNTIL_RESUMED` for a pause without an end.
        recent: the latest generations, newest first; the first four are shown.
        now: aware.
        zone: the user's, for times.
        locale: for amounts of money.
        thresholds: the balances in US dollars under which the user is warned.
        buttons: the same as on the notifications of those warnings.
        clients: that there is recent work for; the first few are offered a report.
    """
    words = _Words(now, zone, locale, thresholds)
    return TrayView(
        look=_look(status.accounts, thresholds),
        title="trayd",
        tooltip="\n".join(words.tooltip(status)),
        menu=(
            *words.balances(status.accounts),
            _separator("accounts"),
            *words.windows(status.spent),
            *words.month(status.month),
            _separator("spent"),
            *words.generations(recent),
            _separator("recent"),
            MenuItem(id="panel", label="Open panel", action="open:panel"),
            MenuItem(id="refresh", label="Refresh", action="refresh"),
            MenuItem(id="dashboard", label="Open fal dashboard", action="open:dashboard"),
            MenuItem(id="billing", label="Add credits", action="open:billing"),
            _separator("fal"),
            MenuItem(id="export", label="Export CSV…", action="export"),
            words.reports(clients),
            MenuItem(id="drop", label=_drop_label(status), action="open:drop"),
            _separator("files"),
            words.alerts(status.alerts, buttons),
            words.pause(status.paused_until),
            MenuItem(id="quit", label="Quit", action="quit"),
        ),
    )


def _separator(after: str) -> MenuItem:
    return MenuItem(id=f"after {after}", separator=True)


def _look(accounts: Sequence[AccountStatus], thresholds: Sequence[Decimal]) -> IconLook:
    states = {_state(account, thresholds) for account in accounts} or {IconState.STALE}
    full = max(thresholds) * _FULL_AT_THRESHOLDS if thresholds else FULL_WITHOUT_THRESHOLDS
    levels = [dollars / full for account in accounts if (dollars := _dollars(account.balance)) is not None]
    level = None
    if levels:
        shown = min(max(min(levels), Decimal(0)), Decimal(1))
        level = float(round(shown * _LEVEL_STEPS)) / _LEVEL_STEPS
    return IconLook(level=level, state=next(state for state in _WORST_FIRST if state in states))


def _state(account: AccountStatus, thresholds: Sequence[Decimal]) -> IconState:
    if account.balance is not None and account.balance.nanos <= 0:
        return IconState.CRITICAL
    dollars = _dollars(account.balance)
    if dollars is not None and any(dollars < limit for limit in thresholds):
        return IconState.CRITICAL if dollars < min(thresholds) else IconState.LOW
    return IconState.STALE if account.state in _BROKEN_KEYS else _STATES.get(account.state, IconState.OK)


def _dollars(balance: Money | None) -> Decimal | None:
    """The balance where it can be held against thresholds, which are in dollars."""
    return balance.amount if balance is not None and balance.currency == "USD" else None


def _gravest_first(alerts: Sequence[AlertStatus]) -> list[AlertStatus]:
    """Those that last; of the same gravity as they came."""
    lasting = (alert for alert in alerts if alert.state == "open")
    return sorted(lasting, key=lambda alert: -alert.urgency.gravity)


def _drop_label(status: Status) -> str:
    rejected = status.drop.rejected
    return f"Open drop folder ({rejected} rejected)" if rejected else "Open drop folder"


class _Words:
    """The texts, for one moment, one zone and one locale."""

    def __init__(self, now: datetime, zone: tzinfo, locale: str, thresholds: Sequence[Decimal]) -> None:
        self.now = now
        self.zone = zone
        self.locale = locale
        self.thresholds = thresholds

    def balances(self, accounts: Sequence[AccountStatus]) -> list[MenuItem]:
        """One line for each account; of many, those that stand worst, and the others below one entry."""
        if not accounts:
            return [MenuItem(id="account", label="No fal account yet: add a key", action="open:keys")]
        shown = self._worst(accounts, _ACCOUNTS)
        others = [account for account in accounts if account not in shown]
        lines = [self._account(account, several=len(accounts) > 1) for account in shown]
        if others:
            label = self._count(len(others), "more account")
            children = tuple(self._account(account, several=True) for account in others)
            lines.append(MenuItem(id="more accounts", label=label, children=children))
        return lines

    def _account(self, account: AccountStatus, *, several: bool) -> MenuItem:
        page = "open:keys" if account.state in _BROKEN_KEYS | {"needs_admin"} else "open:billing"
        label = self._balance(account, several=several) + self._lasting(account)
        return MenuItem(id=f"account {account.name}", label=label, action=page)

    def _worst(self, accounts: Sequence[AccountStatus], most: int) -> list[AccountStatus]:
        """So many accounts, those that stand worst, in the user's order."""
        if len(accounts) <= most:
            return list(accounts)

        def rank(place: int) -> tuple[int, bool, Decimal, int]:
            dollars = _dollars(accounts[place].balance)
            gravity = _WORST_FIRST.index(_state(accounts[place], self.thresholds))
            return gravity, dollars is None, dollars or Decimal(0), place

        return [accounts[place] for place in sorted(sorted(range(len(accounts)), key=rank)[:most])]

    def windows(self, spent: dict[str, Spent]) -> list[MenuItem]:
        """What was spent, one line for each window."""
        return [
            MenuItem(id=f"spent {key}", label=f"{name}: {self._spent(spent[key])}", action="open:dashboard")
            for key, name in _WINDOWS
            if key in spent
        ]

    def month(self, month: MonthEnd | None) -> list[MenuItem]:
        """What this month comes to, where that can be foreseen."""
        if month is None:
            return []
        name = _MONTH_NAMES[int(month.month[-2:]) - 1]
        label = f"{name}: {self._money(month.spent)} so far, about {self._money(month.expected)} by its end"
        return [MenuItem(id="month", label=label, action="open:dashboard")]

    def reports(self, clients: Sequence[str]) -> MenuItem:
        """Reports of this month, the last one and everything: of all work, and of each client's."""
        children = [
            MenuItem(id=f"report {key}", label=label, action=action) for key, label, action in self._reports("")
        ]
        if clients:
            children.append(_separator("report"))
        # Numbered, so that another client's work moves nothing.
        for place, client in enumerate(clients[:_CLIENTS]):
            below = tuple(
                MenuItem(id=f"report {key} {place}", label=label, action=action)
                for key, label, action in self._reports(client)
            )
            children.append(MenuItem(id=f"report client {place}", label=_cut(client), children=below))
        if len(clients) > _CLIENTS:
            more = f"{self._count(len(clients) - _CLIENTS, 'more client')}: trayd report --client"
            children.append(MenuItem(id="more clients", label=more, enabled=False))
        return MenuItem(id="report", label="Build report", children=tuple(children))

    def _reports(self, client: str) -> Iterator[tuple[str, str, str]]:
        """What can be reported of a client, or of all work: its name among entries, its label, its action."""
        first = self.now.astimezone(self.zone).date().replace(day=1)
        whose = f":{client}" if client else ""
        for key, day, more in (("month", first, " so far"), ("last month", first - timedelta(days=1), "")):
            yield key, f"{_MONTH_NAMES[day.month - 1]}{more}", f"report:{day:%Y-%m}{whose}"
        yield "all", "Everything", f"report:{whose}" if client else "report"

    def alerts(self, alerts: Sequence[AlertStatus], buttons: Buttons) -> MenuItem:
        """The open alerts, the gravest first, each with its text, its buttons and a way to hear of it later.

        Numbered, so that a new one moves nothing.
        """
        lasting = _gravest_first(alerts)
        if not lasting:
            return MenuItem(id="alerts", label="No alerts", enabled=False)
        children = [self._alert(place, alert, buttons) for place, alert in enumerate(lasting[:_ALERTS])]
        if len(lasting) > _ALERTS:
            more = f"{self._count(len(lasting) - _ALERTS, 'more alert')}: trayd alerts"
            children.append(MenuItem(id="more alerts", label=more, enabled=False))
        return MenuItem(id="alerts", label=f"Alerts ({len(lasting)})", children=tuple(children))

    def _alert(self, place: int, alert: AlertStatus, buttons: Buttons) -> MenuItem:
        lines = textwrap.wrap(alert.text, _TEXT_WIDTH, break_on_hyphens=False)
        below = [MenuItem(id=f"alert {place} text {line}", label=text) for line, text in enumerate(lines)]
        below.append(_separator(f"alert {place} text"))
        below += [
            MenuItem(id=f"alert {place} {action}", label=label, action=action)
            for label, action in buttons(alert.rule, alert.level)
        ]
        if alert.snoozed_until is not None:
            label = f"Snoozed until {self._time(alert.snoozed_until)}"
            below.append(MenuItem(id=f"snooze {place}", label=label, enabled=False))
        else:
            below.append(MenuItem(id=f"snooze {place}", label="Snooze for 1 hour", action=f"snooze:{alert.id}"))
        title = _cut_to(alert.title or alert.text, _TITLE_LENGTH)
        return MenuItem(id=f"alert {place}", label=title, children=tuple(below))

    def generations(self, recent: Sequence[Generation]) -> list[MenuItem]:
        """The latest generations, one line each. Numbered, so that a new one changes texts and moves nothing."""
        if not recent:
            return [MenuItem(id="recent 0", label="No generations yet", enabled=False)]
        return [
            MenuItem(id=f"recent {place}", label=self._generation(generation), action="open:dashboard")
            for place, generation in enumerate(recent[:_RECENT])
        ]

    def pause(self, until: datetime | None) -> MenuItem:
        """The choice of a pause; during one, the way out of it."""
        if until is None or until <= self.now:
            choices = (("1h", "For 1 hour"), ("tomorrow", "Until tomorrow"), ("on", "Until I resume them"))
            children = tuple(MenuItem(id=f"pause {key}", label=text, action=f"pause:{key}") for key, text in choices)
            return MenuItem(id="pause", label="Pause alerts", children=children)
        end = "" if until >= UNTIL_RESUMED else f" until {self._time(until)}"
        return MenuItem(id="resume", label=f"Alerts paused{end}: resume", action="pause:off", checked=True)

    def tooltip(self, status: Status) -> list[str]:
        """A few lines, the most important first: some systems cut them off."""
        accounts = status.accounts
        shown = self._worst(accounts, _TOOLTIP_ACCOUNTS)
        lines = [self._balance(account, several=len(accounts) > 1) + self._lasting(account) for account in shown] or [
            "No fal account yet"
        ]
        if len(accounts) > len(shown):
            lines.append(f"and {self._count(len(accounts) - len(shown), 'more account')}")
        if lasting := _gravest_first(status.alerts):
            first = _cut_to(lasting[0].title or lasting[0].text, _TITLE_LENGTH)
            lines.append(f"{first}, and {self._count(len(lasting) - 1, 'more alert')}" if len(lasting) > 1 else first)
        if "24h" in status.spent:
            day = status.spent["24h"]
            lines.append(f"24 hours: {self._spent(day)} ({self._count(day.generations, 'generation')})")
        if status.pending.generations:
            lines.append(f"{self._count(status.pending.generations, 'generation')} running")
        if rates := self._rates(status.spent):
            lines.append(rates)
        for account in shown:
            if account.state in {"stale", "offline"} and account.as_of is not None:
                age = self._age(account.as_of)
                lines.append(
                    f"Figures are {age} old" if account.state == "stale" else f"fal has not answered for {age}"
                )
        return lines

    def _balance(self, account: AccountStatus, *, several: bool) -> str:
        name = f"Balance of {_cut(called(account.name, account.username))}" if several else "Balance"
        if account.balance is None:
            return f"{name}: {_NO_BALANCE.get(account.state, 'not known')}"
        text = f"{name}: {self._money(account.balance)}"
        if account.state == "locked":
            return f"{text}, locked by fal"
        if account.state in _BROKEN_KEYS:
            return f"{text}, {_NO_BALANCE[account.state]}"
        if account.state != "ok" and account.as_of is not None:
            return f"{text} at {self._time(account.as_of)}"
        return text

    def _lasting(self, account: AccountStatus) -> str:
        if account.run_out is None or account.balance is None:
            return ""
        return f", lasts until {self._date(account.run_out)}"

    def _spent(self, spent: Spent) -> str:
        if spent.cost is None:
            return "unknown"
        unknown = [f"{self._number(spent.unpriced)} without a price"] if spent.unpriced else []
        unknown += [f"{self._money(money)} without a rate" for money in spent.left_out]
        # Nothing but unknown costs is unknown, not zero.
        only_unknown = unknown and spent.cost.nanos == 0
        return " + ".join(unknown if only_unknown else [self._money(spent.cost), *unknown])

    def _rates(self, spent: dict[str, Spent]) -> str:
        """Since when newer exchange rates are missing, where the menu's amounts were converted without them."""
        published = [use.published for key, _ in _WINDOWS if key in spent for use in spent[key].rates if use.last_known]
        return f"Exchange rates of {self._date(min(published))}, the last known" if published else ""

    def _generation(self, generation: Generation) -> str:
        name = _cut(generation.display_name or generation.endpoint_id)
        return f"{self._time(generation.timestamp)}  {name}: {self._cost(generation)}"

    def _cost(self, generation: Generation) -> str:
        match generation.counting:
            case Counting.PENDING:
                return "pending"
            case Counting.FREE:
                return f"{generation.status.value}, no charge"
            case Counting.FAILED:
                return f"{generation.status.value}, not billed so far"
            case Counting.UNMATCHED:
                return "not matched to fal's billing"
        if generation.cost is None:
            return (
                "no price yet" if generation.status is Outcome.COMPLETED else f"{generation.status.value}, no price yet"
            )
        about = "about " if generation.counting is Counting.ESTIMATE else ""
        return about + self._money(generation.cost)

    def _number(self, number: int) -> str:
        from babel.numbers import format_decimal

        return str(format_decimal(number, locale=self.locale))

    def _count(self, number: int, noun: str) -> str:
        return f"{self._number(number)} {noun if number == 1 else f'{noun}s'}"

    def _money(self, money: Money) -> str:
        return format_money(money, self.locale)

    def _age(self, since: datetime) -> str:
        minutes = max(0, int((self.now - since).total_seconds() // 60))
        if minutes < _HOUR:
            return self._count(minutes, "minute")
        return self._count(minutes // _HOUR, "hour") if minutes < 2 * _DAY else self._count(minutes // _DAY, "day")

    def _time(self, moment: datetime) -> str:
        """The time of day in the user's zone; the weekday or the date before it where it is not today."""
        local, today = moment.astimezone(self.zone), self.now.astimezone(self.zone)
        clock = f"{local:%H:%M}"
        if local.date() == today.date():
            return clock
        if abs(local.date() - today.date()) <= _A_WEEK:
            return f"{_WEEKDAYS[local.weekday()]} {clock}"
        return self._date(local)

    def _date(self, day: date) -> str:
        year = "" if day.year == self.now.astimezone(self.zone).year else f" {day.year}"
        return f"{day.day} {_MONTHS[day.month - 1]}{year}"


# Not strftime's: a library of the desktop may have set the process's locale, and these texts are English.
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTH_NAMES = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _cut(name: str) -> str:
    return _cut_to(name, _NAME_LENGTH)


def _cut_to(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"
