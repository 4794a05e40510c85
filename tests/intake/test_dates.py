"""Every cell is read in each style in which it is a date; the whole column decides which one is meant."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from babel.dates import format_date
from hypothesis import given
from hypothesis import strategies as st

from trayd.intake.calendar import FILE, calendar, calendar_text
from trayd.intake.dates import STYLES, is_number, read_date
from trayd.intake.spelling import LANGUAGES, folded

TWENTIETH = dict.fromkeys(STYLES, date(2026, 11, 20))
DAYS = st.dates(date(1990, 1, 1), date(2099, 12, 31))


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-20",
        "2026/11/20",
        "2026.11.20",
        "2026 11 20",
        "2026. 11. 20.",
        "2026年11月20日",
        "20261120",
        "2026-11-20Z",
        "2026-11-20+01:00",
        "2026-11-20 UTC",
    ],
)
def test_year_first(text):
    assert read_date(text) == TWENTIETH


@pytest.mark.parametrize(
    "text",
    [
        *("20 Nov 2026", "20-Nov-26", "20-NOV-2026", "20/Nov/2026", "20Nov2026", "20. November 2026", "20th Nov, 2026"),
        *("20th of November 2026", "Nov 20, 2026", "Nov. 20, 2026", "November 20th, 2026", "Nov-20-2026", "Nov 20 '26"),
        *("2026-Nov-20", "2026 November 20", "20 novembre 2026", "20 nov. 2026", "le 20 novembre 2026"),
        *("20 de noviembre de 2026", "20 de noviembre del 2026", "20 november 2026", "den 20 november 2026"),
        *("20° novembre 2026", "20. nov. 26"),
    ],
)
def test_months_by_name(text):
    assert read_date(text) == TWENTIETH


@pytest.mark.parametrize(
    ("text", "month"),
    [
        *(("5 Sept 2026", 9), ("5. Mrz 2026", 3), ("5. März 2026", 3), ("5. Marz 2026", 3), ("5. Maerz 2026", 3)),
        *(("5. Jänner 2026", 1), ("5 janv. 2026", 1), ("5 févr. 2026", 2), ("5 fév 2026", 2), ("5 fevrier 2026", 2)),
        *(
            ("5 AOÛT 2026", 8),
            ("5 aout 2026", 8),
            ("5 de enero de 2026", 1),
            ("5 setiembre 2026", 9),
            ("5 dic. 2026", 12),
        ),
        *(("5 gennaio 2026", 1), ("5 mag 2026", 5), ("5 ott 2026", 10), ("5 mrt 2026", 3), ("5 mei 2026", 5)),
        *(("5 maj 2026", 5), ("5 okt. 2026", 10), ("5. Dez. 2026", 12), ("5 de\u0301c. 2026", 12)),
    ],
)
def test_months_as_people_of_seven_languages_write_them(text, month):
    assert read_date(text) == dict.fromkeys(STYLES, date(2026, month, 5))


@pytest.mark.parametrize("text", ["1er janvier 2026", "1º de enero de 2026", "1st January 2026", "1:e januari 2026"])
def test_the_first_of_a_month(text):
    assert read_date(text) == dict.fromkeys(STYLES, date(2026, 1, 1))


@pytest.mark.parametrize(
    "text",
    [
        *("Fri, 20 Nov 2026", "Friday 20 November 2026", "Freitag, den 20. November 2026", "Fr. 20.11.2026"),
        *("vendredi 20 novembre 2026", "ven. 20 nov. 2026", "viernes, 20 de noviembre de 2026", "ven 20 nov 2026"),
        *("vrijdag 20 november 2026", "fredag den 20 november 2026", "2026-11-20 Fri", "2026-11-20 (fredag)"),
    ],
)
def test_weekdays_beside_a_date(text):
    assert set(read_date(text).values()) == {date(2026, 11, 20)}


def test_a_weekday_settles_which_of_two_readings_is_meant():
    assert read_date("03/04/2026").keys() == {"dmy", "mdy"}
    assert read_date("Fri 03/04/2026") == {"dmy": date(2026, 4, 3)}
    assert read_date("mercredi 03/04/2026") == {"mdy": date(2026, 3, 4)}


def test_a_date_with_the_weekday_of_another_day_is_none():
    assert read_date("Mon, 20 Nov 2026") == {}


TIMES = [
    *("T14:03:11Z", "T14:03:11.123456789+01:00", "t14:03:11z", "T14:03+0100", "T14:03:11+01:00[Europe/Berlin]"),
    *(" 14:03", " 14:03:11 UTC", " 14:03:11.250 +01:00", " 14:03:11,250", " 2:03 PM", ", 2:03:11 p.m.", " 2 PM"),
    *(" 14h03", " à 14 h 03", " 14.03 Uhr", ", 14:03 Uhr", " kl. 14:03", " kl 14.03", " 14.03", " at 2:03 PM EST"),
    *(
        " 14:03:11 GMT+0100 (Central European Standard Time)",
        " 14:03:11 Europe/Stockholm",
        " om 14:03 uur",
        "_14:03:11",
    ),
    *(" 23:59:60Z", " 24:00:00", "T23:59:59-11:00", "T00:00:00+14:00"),
]


@pytest.mark.parametrize("time", TIMES)
def test_a_time_of_day_is_passed_over_and_shifts_no_date(time):
    assert read_date(f"2026-11-20{time}") == TWENTIETH


@pytest.mark.parametrize(
    "text",
    [
        *("20261120T140311Z", "20261120T140311.5Z", "20261120 140311", "20261120140311", "202611201403"),
        *("Fri Nov 20 14:03:11 2026", "Fri Nov 20 14:03:11 CET 2026", "14:03:11 Nov 20, 2026 PST"),
        *("Fri Nov 20 2026 14:03:11 GMT+0100 (CET)", "Fri, 20 Nov 2026 14:03:11 GMT", "20.11.2026 14:03"),
        *("20 nov. 2026 à 14h03", "20 de noviembre de 2026, 14:03:11 CET", "14:03 20.11.2026"),
    ],
)
def test_a_time_of_day_stands_anywhere(text):
    assert set(read_date(text).values()) == {date(2026, 11, 20)}


@pytest.mark.parametrize("time", [" 25:00", "T14:60:00", " 14:3", " noon", " 14:03:11 <b>", "T99:99"])
def test_what_is_no_time_of_day_makes_no_date(time):
    assert read_date(f"2026-11-20{time}") == {}


@pytest.mark.parametrize(
    ("text", "readings"),
    [
        ("03/04/2026", {"dmy": date(2026, 4, 3), "mdy": date(2026, 3, 4)}),
        ("3-4-2026", {"dmy": date(2026, 4, 3), "mdy": date(2026, 3, 4)}),
        ("03 04 2026 14:03", {"dmy": date(2026, 4, 3), "mdy": date(2026, 3, 4)}),
        ("3/4-26", {"dmy": date(2026, 4, 3), "mdy": date(2026, 3, 4)}),
        ("20/11/2026", {"dmy": date(2026, 11, 20)}),
        ("11/20/2026 2:03 PM", {"mdy": date(2026, 11, 20)}),
        ("20/11/26", {"dmy": date(2026, 11, 20), "ymd": date(2020, 11, 26)}),
        ("05/06/07", {"dmy": date(2007, 6, 5), "mdy": date(2007, 5, 6), "ymd": date(2005, 6, 7)}),
    ],
)
def test_numbers_alone_are_read_in_each_order_that_makes_a_date(text, readings):
    assert read_date(text) == readings


@pytest.mark.parametrize("text", ["03.04.2026", "3.4.26", "03. 04. 2026", "3.4.'26"])
def test_with_points_the_day_comes_first(text):
    assert read_date(text) == {"dmy": date(2026, 4, 3)}


@pytest.mark.parametrize(
    "text",
    [
        *("46346", "46346.585547", "46346,5", "1795183391", "1795183391.25", "1795183391123", "1795183391123456"),
        "1795183391123456789",
    ],
)
def test_days_since_1899_and_seconds_since_1970_are_dates_where_a_column_is_one_of_dates(text):
    assert read_date(text) == TWENTIETH
    assert is_number(text)


def test_only_a_number_alone_is_told_as_one():
    assert is_number(" 20261120 ")
    assert not any(map(is_number, ("2026-11-20", "20 Nov 2026", "", "123", "1795183391 s")))


def test_seconds_are_counted_in_utc():
    assert read_date("1795219199") == dict.fromkeys(STYLES, date(2026, 11, 20))
    assert read_date("1795219200") == dict.fromkeys(STYLES, date(2026, 11, 21))


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "30/02/2026",
            "2026-13-01",
            "2026-02-29",
            "soon",
            "20 Foo 2026",
            "01/02/0026",
            "Total",
            "Nov 2026",
            "20 Nov",
        ),
        *("11/2026", "20/11", "12345678901", "12345", "99999", "1989-12-31", "2100-01-01", "-46346", "12.50", "$20.11"),
        *("2026-11-20 2026-11-21", "20/11/2026 to 21/11/2026", "14:03", "Friday", "2026", "20.11.", "1", "9" * 200),
    ],
)
def test_what_is_no_date_has_no_reading(text):
    assert read_date(text) == {}


WRITTEN = {
    "dmy": ("%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%d %m %Y", "%d.%m.%y", "%d/%m/%y %H:%M", "%A %d/%m/%Y"),
    "mdy": ("%m/%d/%Y", "%m-%d-%Y", "%m/%d/%Y %I:%M %p", "%a %m/%d/%Y"),
    "ymd": ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S.%f", "%Y %b %d"),
}


@given(DAYS.filter(lambda day: day.year >= 2000), st.times(), st.data())
def test_a_date_written_in_any_style_reads_back_in_it(day, time, data):
    style = data.draw(st.sampled_from(STYLES))
    text = datetime.combine(day, time).strftime(data.draw(st.sampled_from(WRITTEN[style])))
    assert read_date(text)[style] == day


@given(DAYS, st.sampled_from(LANGUAGES), st.sampled_from(["long", "full", "d MMM y", "EEE d MMMM y", "MMM d, y"]))
def test_a_date_in_words_reads_back_in_each_language(day, language, form):
    text = format_date(day, form, locale=language)
    for spelling in (text, text.upper(), folded(text)):
        assert read_date(spelling) == dict.fromkeys(STYLES, day)


@given(DAYS)
def test_counted_dates_read_back(day):
    serial = (day - date(1899, 12, 30)).days
    seconds = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) + 86_399
    for number in (serial, f"{serial}.999", seconds, seconds * 1000 + 999):
        assert read_date(str(number)) == dict.fromkeys(STYLES, day)


@given(st.text() | st.text("0123456789/-.,: TZ+NovFri年'hpm", max_size=30) | st.decimals().map(str))
def test_any_text_is_read_without_an_error(text):
    readings = read_date(text)
    assert all(type(day) is date and 1990 <= day.year <= 2099 for day in readings.values())
    assert readings.keys() <= set(STYLES)


def test_the_names_that_are_shipped_are_those_of_cldr():
    assert FILE.read_text(encoding="utf-8") == calendar_text(), "run python -m trayd.intake.calendar"


def test_no_name_of_a_month_is_also_another_ones():
    day = date(2026, 1, 15)
    for number in range(1, 13):
        for language in LANGUAGES:
            name = format_date(day.replace(month=number), "LLLL", locale=language)
            assert calendar().months[folded(name)] == number


def test_the_day_and_the_decimals_of_a_serial_number_are_exact():
    assert read_date(str(Decimal(46346) + Decimal("0.99999"))) == TWENTIETH
    assert read_date("46347") == dict.fromkeys(STYLES, date(2026, 11, 20) + timedelta(days=1))
