from __future__ import annotations

from datetime import timedelta

import pytest

from tests.alerts.story import START, Story
from trayd.alerts.engine import evaluate
from trayd.alerts.rules import BackfillDone, FileRejected, event


@pytest.mark.parametrize(
    ("states", "told"),
    [
        ("ok ok", []),
        ("ok bad_key bad_key", ["fal refuses the key (northwind)"]),
        ("bad_key offline bad_key", ["fal refuses the key (northwind)"]),
        ("bad_key ok bad_key", ["fal refuses the key (northwind)"] * 2),
        ("needs_admin bad_key", ["An Admin key is needed (northwind)", "fal refuses the key (northwind)"]),
        ("ok locked", ["fal has locked the account (northwind)"]),
        ("ok offline offline", []),
        ("no_key", []),
    ],
)
def test_a_state_that_the_person_must_end_is_told_once(states: str, told: list[str]) -> None:
    story = Story()

    assert [title for state in states.split() for title in story.account(state)] == told


def test_a_key_that_has_gone_is_told() -> None:
    assert Story().account("no_key", as_of=START) == ["The fal key is gone (northwind)"]


def test_the_text_names_account_problem_and_cure_and_a_lock_is_critical() -> None:
    story = Story()
    story.account("bad_key")
    story.account("locked")

    assert [episode.text for episode in story.told] == [
        (
            "fal account northwind: it is bad_key. "
            "Set a good one from https://fal.ai/dashboard/keys with `trayd key set northwind`. "
            "Until then trayd learns nothing new of it."
        ),
        ("fal account northwind: it is locked. Add credits at https://fal.ai/dashboard/billing."),
    ]
    assert [episode.urgency for episode in story.told] == ["normal", "critical"]


def test_a_rejected_file_is_told_with_its_reason_and_again_when_it_is_rejected_again() -> None:
    story = Story()
    reason = 'costs.csv line 14: "12.5O" is not an amount (column "amount"); correct it and try again'
    title = "1 row of costs.csv could not be recorded"
    first = event(FileRejected("costs.csv", title, reason, START), story.limits)
    again = event(FileRejected("costs.csv", title, reason, START + timedelta(hours=1)), story.limits)

    decision = evaluate([first, again], {}, START, story.words)

    assert [(one.title, one.text) for one in decision.tell] == [(title, reason)] * 2
    seen = {one.id: one for one in decision.episodes}
    assert evaluate([first, again], seen, START, story.words).episodes == ()


def test_the_end_of_the_first_poll_is_told_once_ever() -> None:
    story = Story()
    done = event(BackfillDone("northwind", "612 generations, $48.20, since 22 October"), story.limits)

    decision = evaluate([done], {}, START, story.words)

    (told,) = decision.tell
    assert told.text == "fal account northwind has 612 generations, $48.20, since 22 October."
    assert evaluate([done], {told.id: told}, START, story.words).tell == ()
