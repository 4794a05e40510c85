"""How the command line shows things to people: tables in the terminal, made from the outward shapes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from trayd.episodes import UNTIL_RESUMED
from trayd.facts import called
from trayd.money import Money, format_money
from trayd.texts import without_controls

_STATES = {
    "ok": "green",
    "stale": "yellow",
    "no_key": "red",
    "bad_key": "red",
    "needs_admin": "yellow",
    "locked": "red",
    "offline": "yellow",
}

#: The windows of the status, as people call them.
WINDOW_NAMES = {"24h": "last 24 hours", "7d": "last 7 days", "30d": "last 30 days", "total": "in all"}


# What the log says in the place of a cost, by how the record counts.
_WITHOUT_COST = {"failed": "not billed", "pending": "pending", "unmatched": "not linked"}

#: Instead of an amount that is not known.
UNKNOWN = "unknown"


class Style:
    """How amounts and times are written for this user.

    Attributes:
        locale: for numbers and money.
        zone: the user's time zone.
    """

    def __init__(self, locale: str, zone: tzinfo) -> None:
        self.locale = locale
        self.zone = zone

    def money(self, amount: dict[str, str] | None, unknown: str = UNKNOWN) -> str:
        """The amount, or the word for one that is not known; never a zero in its place."""
        if amount is None:
            return unknown
        return format_money(Money.of(amount["amount"], amount["currency"]), self.locale)

    def number(self, number: int) -> str:
        """``1,204``, as this user writes it."""
        from babel.numbers import format_decimal

        return str(format_decimal(number, locale=self.locale))

    def count(self, number: int, noun: str) -> str:
        """``1 generation``, ``1,204 generations``."""
        return f"{self.number(number)} {noun if number == 1 else f'{noun}s'}"

    def percent(self, ratio: Decimal | float, decimals: int = 0, *, signed: bool = False) -> str:
        """``95.5%`` for 0.955; with a plus where a sign is wanted."""
        from babel import Locale
        from babel.numbers import parse_pattern

        pattern = parse_pattern(Locale.parse(self.locale).percent_formats[None].pattern)
        pattern.frac_prec = (decimals, decimals)
        told = str(pattern.apply(Decimal(str(ratio)), self.locale))
        return f"+{told}" if signed and ratio >= 0 else told

    def day(self, day: date, beside: date | None = None) -> str:
        """The date as its neighbours write it: ``18 Nov 2026``; ``18 Nov`` beside another one of that year."""
        return f"{day.day} {day:%b}" if beside and beside.year == day.year else f"{day.day} {day:%b %Y}"

    def time(self, text: str | None) -> str:
        """The instant in the user's zone, to the minute."""
        if not text:
            return "never"
        return datetime.fromisoformat(text).astimezone(self.zone).strftime("%Y-%m-%d %H:%M")


def status_view(status: dict[str, Any], style: Style) -> RenderableType:
    """The status as it stands first on the screen."""
    parts: list[RenderableType] = [_accounts(status["accounts"], style), "", _spending(status["spent"], style)]
    parts.extend(bullet(line) for line in _remarks(status, style))
    lasting = [alert for alert in status["alerts"] if alert["state"] == "open"]
    parts.extend(
        ["", *(_alert(alert, style, of_now=status["daemon"]["running"]) for alert in lasting)] if lasting else []
    )
    return Group(*parts)


def bullet(text: str | Text, mark: str | Text = "•") -> RenderableType:
    """A line that goes on under its own beginning, not under its mark."""
    lines = Table.grid(padding=(0, 1, 0, 0))
    lines.add_column(no_wrap=True)
    lines.add_column(overflow="fold")
    lines.add_row(mark, text)
    return lines


def not_in_cost(part: dict[str, Any], style: Style) -> str:
    """What a cost does not hold: generations without a price, amounts without a rate."""
    unknown = [f"{style.number(part['unpriced'])} without a price"] if part["unpriced"] else []
    return ", ".join([*unknown, *(f"{style.money(amount)} without a rate" for amount in part["left_out"])])


def history_view(
    records: Sequence[dict[str, Any]], style: Style, *, ids: bool = False, none: str = "no records"
) -> RenderableType:
    """The log, with the ids where a person needs them for another command; ``none`` is said of an empty one."""
    if not records:
        return Text(none)
    columns = ("time", "what", "cost", "status", "client", "project", "deliverable")
    table = new_table(*(["id"] if ids else []), *columns, numbers=("cost",), whole=("id",))
    for record in records:
        what = record["display_name"] or record["model"] or record["description"]
        told = style.money(record["cost"], _WITHOUT_COST.get(record["counting"], "no price yet"))
        if record["cost"] and not record["confirmed"]:
            told += " est."
        table.add_row(
            *([record["id"]] if ids else []),
            # A civil date is the same in every zone.
            style.time(record["timestamp"]) if record["kind"] == "internal" else record["timestamp"][:10],
            what,
            told,
            record["status"] or record["kind"],
            record["client"] or "",
            record["project"] or "",
            record["deliverable"] or "",
        )
    return table


class _Console(Console):
    """Prints what it is given as text, and leaves it to the command line what a closed pipe means.

    What files and fal tell is theirs: none of it is a command to the terminal.
    """

    def __init__(self, width: int | None = None) -> None:
        # Model names and descriptions have brackets and colons of their own: FLUX.1 [dev].
        super().__init__(width=width, markup=False, emoji=False)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=without_controls(segment.text))

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def count(number: int, noun: str) -> str:
    """``1 record``, ``1,204 records``, where nobody's locale is known."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def console() -> Console:
    """The terminal; wide enough for a table where the output is not one."""
    made = _Console()
    return made if made.is_terminal else _Console(width=160)


def _accounts(accounts: list[dict[str, Any]], style: Style) -> RenderableType:
    table = new_table("account", "balance", "as of", "state", numbers=("balance",))
    for account in accounts:
        name = called(account["name"], account["username"])
        if account["username"] and account["username"] != name:
            name = f"{name} ({account['username']})"
        state = _state(account)
        if not account["problem"] and (lasts := _lasts(account, style, alone=len(accounts) == 1)):
            state.append(f", {lasts}")
        table.add_row(name, style.money(account["balance"]), style.time(account["as_of"]), state)
    return table


def _names(accounts: Iterable[dict[str, Any]]) -> dict[str, str]:
    """What accounts are called, by the settings' names and by fal's."""
    told = [(each["name"], each["username"], called(each["name"], each["username"])) for each in accounts]
    return {name: shown for name, _, shown in told} | {username: shown for _, username, shown in told if username}


def _state(account: dict[str, Any]) -> Text:
    problem = f": {account['problem']}" if account["problem"] else ""
    return Text.assemble((account["state"].replace("_", " "), _STATES.get(account["state"], "")), problem)


def _alert(alert: dict[str, Any], style: Style, *, of_now: bool) -> RenderableType:
    """An open alert, also as it was some time ago; one that is snoozed is told in quieter letters."""
    since = f"since {style.time(alert['since'])}{'' if of_now else '; the figures are not of now'}"
    if alert["snoozed_until"]:
        since += f", snoozed until {style.time(alert['snoozed_until'])}"
    color = "dim" if alert["snoozed_until"] else "bold red"
    told = Text.assemble((f"{alert['title']}\n" if alert["title"] else "", color), alert["text"], (f"\n{since}", "dim"))
    return bullet(told, Text("!", style=color))


def _lasts(account: dict[str, Any], style: Style, *, alone: bool) -> str:
    """How long a balance lasts; how sure that is where there is room; empty without a forecast."""
    if not account["run_out"]:
        return ""
    seen = datetime.fromisoformat(account["as_of"]).date() if account["as_of"] else None
    told = f"lasts until {style.day(date.fromisoformat(account['run_out']), seen)}"
    if not alone or not account["run_out_range"]:
        return told
    first, last = account["run_out_range"]
    end = style.day(date.fromisoformat(last), seen) if last else "more than a year"
    # In one piece, where the line has to be broken.
    span = f"({style.day(date.fromisoformat(first), seen)} to {end})".replace(" ", "\u00a0")
    return f"{told} {span}"


def _spending(spent: dict[str, Any], style: Style) -> RenderableType:
    beside = ("without a price",) if any(spent[window]["unpriced"] for window in WINDOW_NAMES) else ()
    numbers = ("cost", "generations", *beside)
    table = new_table("spent", *numbers, numbers=numbers)
    for window, name in WINDOW_NAMES.items():
        part = spent[window]
        unpriced = (style.number(part["unpriced"]) if part["unpriced"] else "",) if beside else ()
        table.add_row(name, style.money(part["cost"]), style.number(part["generations"]), *unpriced)
    return table


def _remarks(status: dict[str, Any], style: Style) -> list[str]:
    remarks = []
    if month := status["month"]:
        name = f"{date.fromisoformat(month['month'] + '-01'):%B}"
        low, high = style.money(month["low"]), style.money(month["high"])
        remarks.append(
            f"{name}: {style.money(month['spent'])} so far, "
            f"about {style.money(month['expected'])} by its end (between {low} and {high})"
        )
    pending = status["pending"]
    if pending["generations"]:
        estimated = f", estimated {style.money(pending['estimated'])}" if pending["estimated"] else ""
        remarks.append(f"{style.count(pending['generations'], 'generation')} pending{estimated}, not in the totals")
    remarks.extend(conversions(status["spent"]["total"], style))
    if status["unmatched"]:
        remarks.append(
            f"{style.count(status['unmatched'], 'event')} without a request id left out where fal's billing covers the "
            "time; `trayd history --unmatched` lists them, `trayd link ID` settles one"
        )
    names = _names(status["accounts"])
    remarks.extend(
        f"fal says {style.money(difference['fal'])} for {difference['endpoint_id']} "
        f"({names.get(difference['account'], difference['account'])}) "
        f"from {style.time(difference['since'])} to {style.time(difference['until'])}, "
        f"the ledger {style.money(difference['ledger'])}; `trayd reconcile` says what explains it"
        for difference in status["differences"]
    )
    drop = status["drop"]
    if drop["waiting"] or drop["rejected"]:
        remarks.append(f"drop folder: {drop['waiting']} waiting, {drop['rejected']} rejected")
    if status["paused_until"]:
        remarks.append(pause_told(status["paused_until"], style))
    return remarks


def pause_told(until: str, style: Style) -> str:
    """Until when alerts are paused."""
    if datetime.fromisoformat(until) >= UNTIL_RESUMED:
        return "alerts are paused until `trayd alerts resume`"
    return f"alerts are paused until {style.time(until)}"


def quiet_told(until: str, style: Style) -> str:
    """Until when it is quiet."""
    if datetime.fromisoformat(until) >= UNTIL_RESUMED:
        return "quiet hours all day on every day"
    return f"quiet hours until {style.time(until)}"


def conversions(total: dict[str, Any], style: Style) -> Iterator[str]:
    """At which rates amounts in other currencies are in a total, and which of them are not for want of one."""
    from trayd.insight.conversion import RateUse, days_told
    from trayd.rates import RateSource

    for told in total["rates"]:
        amount = told["amount"]
        use = RateUse(
            currency=told["currency"],
            amount=Money.of(amount["amount"], amount["currency"]),
            first=date.fromisoformat(told["first"]),
            last=date.fromisoformat(told["last"]),
            published=date.fromisoformat(told["published"]),
            source=RateSource(told["source"]),
            last_known=told["last_known"],
        )
        yield use.told(lambda money: format_money(money, style.locale), style.day)
    if left_out := total["left_out"]:
        amounts = ", ".join(style.money(amount) for amount in left_out)
        days = {
            code: (date.fromisoformat(first), date.fromisoformat(last))
            for code, (first, last) in total["days_left_out"].items()
        }
        codes = ", ".join(f"{code} {days_told(days[code], style.day)}" for code in sorted(days))
        yield f"{amounts} left out of the totals: no exchange rate is known for {codes}; set one under [rates]"


def new_table(*columns: str, numbers: tuple[str, ...] = (), whole: tuple[str, ...] = ()) -> Table:
    """An empty table; columns of numbers stand to the right, those to be copied from are not folded."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(
            column, justify="right" if column in numbers else "left", overflow="fold", no_wrap=column in whole
        )
    return table


def refresh_view(accounts: Iterable[dict[str, Any]], known: Iterable[dict[str, Any]]) -> RenderableType:
    """How each account stands after a poll; ``known`` is what the status says of them."""
    names = _names(known)
    table = new_table("account", "state", "new", "changed", numbers=("new", "changed"))
    for account in accounts:
        state = _state(account)
        table.add_row(
            names.get(account["name"], account["name"]), state, str(account["created"]), str(account["changed"])
        )
    return table


def doctor_view(findings: Iterable[dict[str, Any]]) -> RenderableType:
    """What was examined, worst last, each with its cure."""
    marks = {"good": ("✓", "green"), "note": ("•", "yellow"), "bad": ("✗", "red")}
    lines = []
    for finding in sorted(findings, key=lambda each: list(marks).index(each["state"])):
        mark, colour = marks[finding["state"]]
        line = Text.assemble((mark, colour), f" {finding['subject']}: {finding['text']}")
        if finding["cure"]:
            line.append(f"\n    {finding['cure']}", style="bold")
        lines.append(line)
    return Group(*lines)


def listing(rows: list[dict[str, Any]]) -> RenderableType:
    """Rows of one kind as a table, a column a key."""
    table = new_table(*rows[0]) if rows else new_table("nothing")
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    return table


def settings_view(settings: dict[str, Any], prefix: str = "") -> RenderableType:
    """The settings, a line each, by the names that ``trayd config set`` takes; of what there can be several, each one.

    What is not set in one of those is not shown.
    """
    lines: list[RenderableType] = []
    for name, value in settings.items():
        if isinstance(value, dict):
            lines.append(settings_view(value, f"{prefix}{name}."))
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            lines += [Text.assemble(f"[[{prefix}{name}]] ", (_entry(each), "bold")) for each in value]
        else:
            lines.append(Text.assemble(f"{prefix}{name} = ", (str(value), "bold")))
    return Group(*lines)


def _entry(table: dict[str, Any]) -> str:
    """A table in one line, as the settings file has it."""
    told = ((name, f"{{ {_entry(value)} }}" if isinstance(value, dict) else value) for name, value in table.items())
    return ", ".join(f"{name} = {value}" for name, value in told if value not in (None, ""))
