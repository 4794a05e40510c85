"""Which way money went: only what was spent is a cost, and a refund takes from it where the row says that it is one."""

from __future__ import annotations

import pytest

from tests.intake.samples import read_costs
from trayd.intake.costs import Costs
from trayd.intake.rejection import RefusedError
from trayd.intake.understanding import Answers, RowKind


def read(text: str, home_currency: str = "USD", **answers) -> Costs:
    return read_costs("costs.csv", text.encode(), home_currency=home_currency, answers=Answers(**answers))


def refusal(text: str, **answers) -> str:
    with pytest.raises(RefusedError) as refused:
        read(text, **answers)
    return refused.value.rejection.text("costs.csv")


def spent(costs: Costs) -> dict[int, str]:
    return {cost.line: f"{cost.amount.amount.normalize():f}" for cost in costs.costs}


def left_out(costs: Costs) -> dict[int, str]:
    return {row.line: row.reason for row in costs.named if row.what is RowKind.LEFT_OUT}


@pytest.mark.parametrize("sign", ["", "-"])
def test_amounts_that_all_have_one_sign_were_all_spent(sign):
    assert spent(read(f"Date,Item,Amount\n2026-11-03,a,{sign}1.50\n2026-11-04,b,{sign}2\n")) == {2: "1.5", 3: "2"}


def test_both_signs_without_a_word_are_refused_with_both_readings_and_settled():
    content = "Date,Item,Amount\n2026-11-03,Acme,100\n2026-11-04,Runway,-30\n"
    message = refusal(content)
    assert 'amounts stand below and above zero, line 3 ("-30") and line 2 ("100")' in message
    assert "trayd import --spending negative costs.csv where what was spent stands below zero" in message
    assert spent(read(content, spending="negative")) == {3: "30"}
    assert spent(read(content, spending="positive")) == {2: "100"}


@pytest.mark.parametrize(
    ("income", "cost"),
    [
        ("Salary November", "Runway"),
        ("Gehalt 11/2026", "Runway"),
        ("VIREMENT RECU DE ACME", "Runway"),
        ("Transferencia recibida de Acme", "Runway"),
        ("Bonifico da Rossi", "Runway"),
        ("Overschrijving van Jansen", "Runway"),
        ("Lön november", "Runway"),
        ("Payment from client", "Payment to Runway"),
        ("Zahlungseingang Acme", "Kartenzahlung Runway"),
    ],
)
def test_words_of_income_show_the_sign_of_spending(income, cost):
    content = f"Date,Item,Amount\n2026-11-03,{income},100\n2026-11-04,{cost},-30\n2026-11-05,Acme 12,40\n"
    costs = read(content)
    assert spent(costs) == {3: "30"}
    assert set(left_out(costs).values()) == {"money that came in"}


@pytest.mark.parametrize(
    "words",
    [
        *("Refund Runway", "Erstattung Runway", "Remboursement Runway", "Devolución Runway", "Rimborso Runway"),
        *("Terugbetaling Runway", "Återbetalning Runway", "Runway credit note 7"),
    ],
)
@pytest.mark.parametrize("sign", [1, -1])
def test_a_refund_counts_against_costs_where_the_row_says_so(words, sign):
    costs = read(f"Date,Item,Amount\n2026-11-03,Midjourney,{30 * sign}\n2026-11-04,{words},{-12 * sign}\n")
    assert spent(costs) == {2: "30", 3: "-12"}


def test_money_that_comes_back_without_a_word_is_left_out_and_named():
    costs = read("Date,Item,Cost\n2026-11-03,a,30\n2026-11-04,b,40\n2026-11-05,c,-12\n")
    assert (spent(costs), left_out(costs)) == ({2: "30", 3: "40"}, {4: "money that came in"})


def test_a_discount_takes_from_the_costs():
    assert spent(read("Date,Item,Cost\n2026-11-03,Plan,30\n2026-11-04,b,1\n2026-11-03,Discount,-5\n"))[4] == "-5"


def test_a_refund_by_its_type_counts_against_costs_where_no_amount_has_a_sign():
    assert spent(read("date,type,item,amount\n2026-11-03,charge,a,12\n2026-11-04,refund,a,5\n")) == {2: "12", 3: "-5"}


def test_a_refund_by_its_text_alone_where_no_amount_has_a_sign_is_rejected():
    costs = read("date,item,amount\n2026-11-03,a,12\n2026-11-04,Refund for a,5\n2026-11-05,Refund protection,1\n")
    assert spent(costs) == {2: "12"}
    assert "says that money came back" in costs.rejected[0].rejection.problem


@pytest.mark.parametrize(
    "words", ["Payment - Thank You", "ZAHLUNG - DANKE", "Paiement reçu, merci", "INBETALNING TACK", "AUTOPAY PAYMENT"]
)
def test_a_card_that_was_paid_off_is_no_income_and_no_cost(words):
    costs = read(f'Date,Item,Amount\n2026-11-03,Midjourney,30\n2026-11-04,"{words}",-500\n')
    assert (spent(costs), left_out(costs)) == ({2: "30"}, {3: "the card was paid off"})


def test_words_of_income_below_zero_decide_nothing_as_salaries_are_also_paid():
    rows = "2026-11-03,Salary Lena (voice),-450,1550\n2026-11-06,Invoice 88,1500,3050\n2026-11-09,Fee,-3,3047\n"
    assert spent(read(f"Date,Item,Amount,Balance\n{rows}")) == {2: "450", 4: "3"}
    assert "--spending" in refusal("Date,Item,Amount\n2026-11-03,Salary Lena,-450\n2026-11-06,Invoice 88,1500\n")


def test_a_running_balance_shows_the_sign_of_spending():
    costs = read("Date,Item,Amount,Balance\n2026-11-03,a,100,1100\n2026-11-04,b,-30,1070\n2026-11-05,c,-70,1000\n")
    assert spent(costs) == {3: "30", 4: "70"}


def test_a_running_balance_in_a_file_with_the_newest_first():
    costs = read("Date,Item,Amount,Balance\n2026-11-05,c,-70,1000\n2026-11-04,b,-30,1070\n2026-11-03,a,100,1100\n")
    assert spent(costs) == {2: "70", 3: "30"}


def test_on_a_cards_statement_the_balance_that_is_owed_grows_with_what_is_spent():
    rows = "2026-11-03,a,100,1100\n2026-11-04,b,-30,1070\n2026-11-05,c,70,1140\n"
    assert spent(read(f"Credit card 4242\nDate,Item,Amount,Balance\n{rows}")) == {3: "100", 5: "70"}


def test_a_balance_that_could_be_owed_as_well_is_asked_about():
    rows = "2026-11-03,a,100,1100\n2026-11-04,b,-30,1070\n2026-11-05,c,70,1140\n2026-11-06,d,5,1145\n"
    assert "--spending" in refusal(f"Date,Item,Amount,Balance\n{rows}")


def test_a_balance_that_rises_with_every_amount_is_asked_about():
    content = "Date,Item,Amount,Balance\n2026-11-03,a,100,1100\n2026-11-04,b,30,1130\n2026-11-05,c,70,1200\n"
    assert "--spending" in refusal(content)


def test_a_column_of_an_account_shows_its_statement():
    rows = "2026-11-03,a,DE02,100\n2026-11-04,b,DE03,-30\n"
    assert spent(read(f"Date,Item,Counterparty IBAN,Amount\n{rows}")) == {3: "30"}


def test_evidence_that_contradicts_itself_is_refused():
    assert "--spending" in refusal(
        "Date,Item,Amount\n2026-11-03,Kartenzahlung,-100\n2026-11-04,Refund,-3\n2026-11-05,a,1\n2026-11-05,b,-1\n"
    )


@pytest.mark.parametrize(
    ("header", "out", "into"),
    [
        ("Debit,Credit", "30.00,", ",100.00"),
        ("Debit,Credit", "-30.00,", ",100.00"),
        ("Debit,Credit", "30.00,0.00", "0.00,100.00"),
        ("Credit,Debit", ",30.00", "100.00,"),
        ("Soll,Haben", "30.00,", ",100.00"),
        ("Af,Bij", "30.00,", ",100.00"),
        ("Money out,Money in", "30.00,", ",100.00"),
        ("Addebiti,Accrediti", "-30.00,", ",100.00"),
        ("Amount,Debit/Credit", "30.00,D", "100.00,C"),
        ("Amount,Type", "30.00,Debit", "100.00,Credit"),
        ("Amount,Type", "-30.00,Debit", "100.00,Credit"),
        ("Betrag,S/H", "30.00,S", "100.00,H"),
        ("Bedrag,Af Bij", "30.00,Af", "100.00,Bij"),
        ("Betrag,Typ", "30.00,Ausgabe", "100.00,Einnahme"),
        ("Amount,Sign", "30.00,-", "100.00,+"),
        ("Amount,Note", "30.00,", "100.00 CR,"),
    ],
)
def test_columns_and_marks_tell_which_way_money_went(header, out, into):
    costs = read(f"Date,Item,{header}\n2026-11-03,a,{out}\n2026-11-04,b,{into}\n")
    assert (spent(costs), list(left_out(costs))) == ({2: "30"}, [3])


def test_a_column_of_money_in_that_is_empty_is_still_the_other_one():
    assert spent(read("Date,Item,Debit,Credit\n2026-11-03,a,-1.50,\n2026-11-04,b,-2.00,\n")) == {2: "1.5", 3: "2"}


def test_a_row_that_does_not_tell_its_way_is_rejected():
    costs = read("Date,Item,Amount,Direction\n2026-11-03,a,1,out\n2026-11-03,b,2,in\n2026-11-03,c,3,\n")
    assert spent(costs) == {2: "1"}
    assert "does not tell whether the money went out or came in" in costs.rejected[0].rejection.problem


def test_where_only_what_came_in_is_marked_the_rest_went_out():
    costs = read("Date,Item,Amount,CR/DR\n2026-11-03,a,1,\n2026-11-03,b,2,CR\n")
    assert (spent(costs), list(left_out(costs))) == ({2: "1"}, [3])


@pytest.mark.parametrize(
    "state",
    [
        *(
            "Pending",
            "Umsatz vorgemerkt",
            "en attente",
            "pendiente",
            "in attesa",
            "in behandeling",
            "väntande",
            "Failed",
        ),
        *("Payment failed", "declined", "REVERTED", "storniert", "annulé", "rechazado", "annullato", "geannuleerd"),
        *("nekad", "Refunded", "void", "Not completed", "Non riuscito", "no realizado", "niet gelukt"),
    ],
)
def test_what_did_not_come_about_costs_nothing(state):
    costs = read(f"Date,Item,Status,Amount\n2026-11-03,a,Completed,1\n2026-11-04,b,{state},2\n")
    assert (spent(costs), list(left_out(costs))) == ({2: "1"}, [3])


@pytest.mark.parametrize(
    "state", ["Completed", "Abgeschlossen", "paid", "booked", "genomförd", "not cancelled", "Weird"]
)
def test_what_came_about_or_is_not_known_is_a_cost(state):
    assert spent(read(f"Date,Item,Status,Amount\n2026-11-04,b,{state},2\n")) == {2: "2"}


@pytest.mark.parametrize(
    "word", ["Included", "Free", "inklusive", "gratuit", "incluido", "gratis", "ingår", "included in plan"]
)
def test_words_in_the_place_of_an_amount_cost_nothing(word):
    costs = read(f"Date,Item,Cost\n2026-11-03,a,1.00\n2026-11-04,b,{word}\n2026-11-05,c,0.00\n")
    assert (spent(costs), list(left_out(costs))) == ({2: "1"}, [3, 4])


def test_what_was_refunded_in_part_costs_the_rest():
    costs = read("Date,Item,Amount,Amount Refunded\n2026-11-03,a,30,10\n2026-11-04,b,5,5\n2026-11-05,c,7,0\n")
    assert (spent(costs), left_out(costs)) == ({2: "20", 4: "7"}, {3: "refunded in full"})


TOTALS = [
    "Total",
    "Grand total:",
    "Summe",
    "Gesamt 11/2026",
    "Total du mois",
    "Importe total",
    "Totale",
    "Totaal",
    "Summa",
]


@pytest.mark.parametrize("words", [*TOTALS, "Images subtotal", "Total for Runway"])
def test_a_row_that_sums_others_up_is_no_cost(words):
    costs = read(f"Date,Item,Amount\n2026-11-03,a,1.00\n2026-11-04,b,2.00\n,{words},3.00\n")
    assert spent(costs) == {2: "1", 3: "2"}
    assert [row.line for row in costs.named if row.what is RowKind.TOTAL] == [4]


@pytest.mark.parametrize("row", [",,3.00", "Images,,3.00", "November,,3.00"])
def test_a_sum_of_the_rows_above_needs_no_word(row):
    costs = read(f"Date,Item,Amount\n2026-11-03,a,1.00\n2026-11-04,b,2.00\n{row}\n")
    assert [row.line for row in costs.named if row.what is RowKind.TOTAL] == [4]


@pytest.mark.parametrize(
    "words", ["Total Video Suite subscription", "TotalEnergies charging", "Sum Studio mixing", "Saldo Records"]
)
def test_a_cost_may_begin_with_such_a_word(words):
    assert spent(read(f"Date,Item,Amount\n2026-11-03,{words},49.00\n")) == {2: "49"}


def test_an_amount_without_a_date_that_is_no_sum_is_rejected():
    costs = read("Date,Item,Amount\n2026-11-03,a,1.00\n2026-11-04,b,2.00\n,VAT,0.75\n")
    assert [row.rejection.problem for row in costs.rejected] == ["the date is empty"]


@pytest.mark.parametrize("words", ["Opening balance", "Kontostand am 01.11.2026", "Solde au 20/11/2026", "Saldo"])
def test_where_an_account_stood_is_no_cost(words):
    costs = read(f"Date,Item,Amount\n2026-11-03,a,1.00\n2026-11-04,{words},2000.00\n")
    assert spent(costs) == {2: "1"}


def test_a_row_with_words_of_its_own_is_a_sum_only_of_more_rows_than_chance_would_have():
    costs = read("Date,Item,Amount\n2026-11-03,a,1.00\n2026-11-03,b,1.00\n,Runway,2.00\n")
    assert [row.rejection.line for row in costs.rejected] == [4]
