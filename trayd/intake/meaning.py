"""All that is worked out of a file before its rows are sorted: columns, styles, the sign of spending, the currency.

Answers of a person win over a known source, and that over what the file shows; where the file shows two things, it is
refused with both and the command that settles it.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from trayd.intake import amounts, dates
from trayd.intake.amounts import Marker
from trayd.intake.commands import import_with
from trayd.intake.currencies import is_currency
from trayd.intake.header import Table
from trayd.intake.layout import Layout
from trayd.intake.money_out import Directions
from trayd.intake.readings import read_as
from trayd.intake.rejection import RefusedError, Rejection, shown
from trayd.intake.said import Said
from trayd.intake.signs import NEGATIVE, POSITIVE, Account, Decision, Signs, balance_moves, spending_sign
from trayd.intake.sources import SourcePreset
from trayd.intake.styles import Styles, settle_styles, style_of
from trayd.intake.survey import Survey
from trayd.intake.told_currency import currency_above
from trayd.intake.understanding import Answers, MeantColumn, Understanding
from trayd.intake.vocabulary import vocabulary
from trayd.intake.words import words_of

_PARTS = {-2: "hundredths", -3: "thousandths", -6: "millionths", -9: "billionths"}

_OTHER_WAY = {Marker.DEBIT: Marker.CREDIT, Marker.CREDIT: Marker.DEBIT}


class Meaning(msgspec.Struct, frozen=True, kw_only=True):
    """All that was worked out of a file.

    Attributes:
        file: its name, for the commands in messages.
        source: of rows that do not tell their own.
        currency: of amounts that tell none; ``column_currency`` the one that the amount's header tells.
        assumes: nothing tells that currency: it is the home currency for want of another.
    """

    file: str
    layout: Layout
    styles: Styles
    directions: Directions
    preset: SourcePreset | None
    source: str
    currency: str
    column_currency: str | None
    assumes: bool


def make_out(
    file: str, table: Table, survey: Survey, answers: Answers, home_currency: str
) -> tuple[Meaning, Understanding]:
    """What a file means, for the program and for a person.

    Args:
        file: its name, for the commands in messages.
        table: where the table is, and which column is which.
        survey: what the first walk found.
        answers: what a person has said.
        home_currency: the currency where nothing tells one.

    Raises:
        RefusedError: it reads in two ways, or an answer does not fit it.
    """
    layout, preset = table.layout, table.preset
    if survey.other_table:
        problem = "another table begins here, with other columns"
        cure = "put each table in a file of its own and try again"
        raise RefusedError(Rejection(line=survey.other_table, problem=problem, cure=cure))
    _refuse_doubt(file, table, answers)
    _refuse_two_amounts(file, layout, survey)
    styles = settle_styles(file, layout, survey, answers, preset)
    directions, why = _directions(file, table, survey, preset, answers, styles)
    fallback, told_by = _currency(table, preset, answers, home_currency)
    if not answers.currency and not layout.currency and "currency" not in layout.fields:
        _refuse_other_currency(file, survey, fallback or home_currency)
    source = answers.source or (preset.name if preset else "csv")
    meaning = Meaning(
        file=file,
        layout=layout,
        styles=styles,
        directions=directions,
        preset=preset,
        source=source,
        currency=fallback or home_currency,
        column_currency=layout.currency,
        assumes=fallback is None,
    )
    fields = {position: field for field, position in layout.fields.items()}
    fields |= {layout.dates[0]: "date"}
    for position in next(iter(layout.wording), ()):
        fields.setdefault(position, "description")
    understanding = Understanding(
        source=source,
        known=preset is not None,
        encoding=table.sheet.encoding,
        delimiter=table.sheet.delimiter,
        sheet=table.sheet.name,
        header_line=layout.line,
        columns=tuple(MeantColumn(name=each.name, field=fields.get(each.position)) for each in layout.headings),
        dates=style_of(styles.dates, survey.dates.first, dates.STYLE_NAMES),
        numbers=style_of(styles.amounts, survey.amounts.first, amounts.STYLE_NAMES) + _parts(layout),
        currency=told_by,
        spending=why,
    )
    return meaning, understanding


def _parts(layout: Layout) -> str:
    scale = layout.headings[layout.fields[layout.amount_field]].scale
    return f", in {_PARTS[scale]}" if scale else ""


def _refuse_doubt(file: str, table: Table, answers: Answers) -> None:
    layout, preset = table.layout, table.preset
    doubt = layout.doubt
    if doubt is None or (doubt.of == "currency" and answers.currency):
        return
    if doubt.of == "spending" and (answers.spending or (preset and preset.spending)):
        return
    commands = ", or ".join(f"{import_with(file, *options)} {meant}" for options, meant in doubt.answers)
    cure = ", or ".join(filter(None, (doubt.cure, f"say so: {commands}")))
    raise RefusedError(Rejection(line=layout.line, problem=doubt.problem, cure=cure))


def _refuse_two_amounts(file: str, layout: Layout, survey: Survey) -> None:
    differing = survey.differing
    if differing is None:
        return
    one, other = layout.name("amount"), layout.headings[differing.rival].name
    first, second = one, other
    if one == other:
        first, second = str(layout.fields["amount"] + 1), str(differing.rival + 1)
    raise RefusedError(
        Rejection(
            line=differing.line,
            column=one,
            value=shown(differing.text),
            problem=f'the amount can be "{shown(one)}" ({shown(differing.text)}) or "{shown(other)}" '
            f"({shown(differing.other)})",
            cure=f"say which: {import_with(file, '--column', f'amount={first}')}, or "
            f"{import_with(file, '--column', f'amount={second}')}",
        )
    )


def _refuse_other_currency(file: str, survey: Survey, currency: str) -> None:
    """Refuses a file with rows below a line that tells another currency than the one they would be taken in."""
    for line, told in survey.sections:
        if told != currency:
            problem = f"here begin amounts in {told}, and those above are in {currency}"
            command = import_with(file, "--currency", told)
            cure = f"put the rows of each currency in a file of their own, or say which all are in: {command}"
            raise RefusedError(Rejection(line=line, problem=problem, cure=cure))


def _directions(
    file: str, table: Table, survey: Survey, preset: SourcePreset | None, answers: Answers, styles: Styles
) -> tuple[Directions, str]:
    """How money's way is told, and that in words."""
    layout, signs = table.layout, survey.signs
    if "debit" in layout.fields:
        below = Directions.always_below_zero(signs)
        beside = f' and "{layout.name("credit")}" what came in' if "credit" in layout.fields else ""
        return Directions(negative_out=below), f'"{layout.name("debit")}" is what was spent{beside}'
    if answers.spending is None and survey.marked:
        return Directions(marked=True), "amounts marked CR came in"
    if answers.spending is None and "indicator" in layout.fields and not signs.sides(*Said):
        below = Directions.always_below_zero(survey.signs_out)
        one_way = len(survey.ways) == 1
        unmarked = _OTHER_WAY[next(iter(survey.ways))] if one_way else None
        told = f'"{layout.name("indicator")}" tells what was spent'
        return Directions(negative_out=below, unmarked=unmarked), told
    said = answers.spending or (preset.spending if preset else None)
    one_sided = len(signs.sides(*Said)) == 1
    if said:
        why = "as was said" if answers.spending else f"as {preset.name} writes it" if preset else ""
        below = said == NEGATIVE
        return Directions(spending=said, negative_out=below, one_sided=one_sided), _spending(said, why)
    decided = _decide(table, survey, styles)
    if decided:
        one_sided = one_sided and decided.spending in signs.sides(*Said)
        return Directions(spending=decided.spending, one_sided=one_sided), _spending(decided.spending, decided.why)
    if not signs.sides(*Said):
        return Directions(), ""
    raise _either_sign(file, layout.name("amount"), signs)


def _spending(sign: str, why: str) -> str:
    return f"{'below' if sign == NEGATIVE else 'above'} zero: {why}"


def _decide(table: Table, survey: Survey, styles: Styles) -> Decision | None:
    words = vocabulary()
    layout = table.layout
    steps = [
        (amount, balance)
        for amount, balance in (
            (read_as(moved, styles.amounts), _own(balance, styles.amounts)) for moved, balance in survey.steps
        )
        if amount is not None and balance is not None
    ]
    heading = layout.headings[layout.fields["amount"]]
    told = [words_of(cell) for row in table.above for cell in row.cells]
    account = Account(
        balance_moves=balance_moves(steps),
        card=any(words.card_accounts.within(text) for text in told),
        bank=survey.plus
        or any(words.account_names.within(each.words) for each in layout.headings)
        or any(words.accounts.within(text) for text in told),
        cost_name=heading.name if words.cost_names.within(heading.words) else None,
    )
    return spending_sign(survey.signs, account)


def _own(readings: Mapping[str, Decimal], styles: frozenset[str]) -> Decimal | None:
    """A balance, which some banks write in another style than amounts."""
    return next(iter(readings.values()), None) if len(set(readings.values())) == 1 else read_as(readings, styles)


def _either_sign(file: str, column: str, signs: Signs) -> RefusedError:
    below, above = signs.examples.get(NEGATIVE), signs.examples.get(POSITIVE)
    first = below or above
    shows = " and ".join(f'line {each.line} ("{shown(each.text)}")' for each in (below, above) if each)
    where = "below and above zero" if below and above else "below zero" if below else "above zero"
    doubt = "nothing tells" if below and above else "the balance does not tell"
    return RefusedError(
        Rejection(
            line=first.line if first else None,
            column=column,
            value=shown(first.text) if first else None,
            problem=f"amounts stand {where}, {shows}, and {doubt} which of them were spent and which came in",
            cure=f"say which: {import_with(file, '--spending', 'negative')} where what was spent stands below zero, "
            "--spending positive where it stands above",
        )
    )


def _currency(
    table: Table, preset: SourcePreset | None, answers: Answers, home_currency: str
) -> tuple[str | None, str]:
    """The currency of amounts that tell none, None where nothing tells it; and what tells the file's, in words."""
    layout = table.layout
    fallback: str | None
    if answers.currency and not is_currency(answers.currency):
        problem = f'"{shown(answers.currency)}" is no currency'
        raise RefusedError(Rejection(problem=problem, cure="name its ISO 4217 code, such as USD"))
    if answers.currency:
        fallback, why = answers.currency, f"{answers.currency}, as was said"
    elif preset and preset.currency:
        fallback, why = preset.currency, f"{preset.currency}, as {preset.name} writes it"
    elif above := currency_above(table.above, home_currency):
        fallback, why = above, f"{above}, as is told above the table"
    else:
        fallback, why = None, f"{home_currency}, the home currency, where an amount tells none"
    if "currency" in layout.fields:
        why = f'by the column "{layout.name("currency")}"'
    elif layout.currency:
        why = f"{layout.currency}, as the header tells"
    return fallback, why
