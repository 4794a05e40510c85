"""The words about what keeps trayd from knowing: keys, connections, files and the ledger."""

from __future__ import annotations

from trayd.alerts.rules import BackfillDone, FileRejected
from trayd.alerts.rules.accounts import NoAnswer
from trayd.alerts.rules.ledger import Damaged, Mended, TotalsDiffer, Unwritable
from trayd.alerts.words.writing import TEXT, TITLE, Saying, Words, name, named, owner, sentences
from trayd.facts import AccountFact
from trayd.records import Urgency
from trayd.texts import units_of

_TITLES = {
    "bad_key": "fal refuses the key",
    "no_key": "The fal key is gone",
    "needs_admin": "An Admin key is needed",
    "locked": "fal has locked the account",
}


def account(fact: AccountFact, _saying: Saying) -> Words:
    """An account needs a person."""
    return Words(
        named(_TITLES[fact.state], fact.name),
        fact.problem,
        Urgency.CRITICAL if fact.state == "locked" else Urgency.NORMAL,
    )


def no_answer(silent: NoAnswer, saying: Saying) -> Words:
    """The account does not answer."""
    write = saying.write
    known = ""
    if silent.since is not None:
        known = "All that trayd shows is from then"
        known += f": {write.money(silent.balance)} left." if silent.balance is not None else "."
    since = write.moment(silent.since or silent.tried_since, silent.now)
    return Words(
        named("fal does not answer", silent.account),
        sentences(
            f"fal has not answered since {since} for {owner(silent.account)[:1].lower()}{owner(silent.account)[1:]}.",
            known,
            f"{silent.problem.rstrip('.')}." if silent.problem else "",
            last="Look at the connection; `trayd doctor` tells more.",
        ),
    )


def unwritable(found: Unwritable, _saying: Saying) -> Words:
    """The ledger cannot be written."""
    text = sentences(f"{found.problem.rstrip('.')}.", "Until then nothing new is kept; fal is asked for it again.")
    return Words("The ledger cannot be written", text, Urgency.CRITICAL)


def mended(found: Mended, _saying: Saying) -> Words:
    """Something was mended."""
    text = sentences(f"{found.notice.rstrip('.')}.", last="`trayd ledger verify` looks through all of it.")
    return Words("The ledger was mended", text)


def damaged(found: Damaged, saying: Saying) -> Words:
    """The files are damaged."""
    write = saying.write
    first, *others = found.problems or ("",)
    more = f"And {write.count(len(others), 'more problem')}." if others else ""
    cure = "Mend it with `trayd ledger rebuild`, then look again with `trayd ledger verify`."
    return Words("The ledger is damaged", sentences(f"{first.rstrip('.')}.", more, last=cure), Urgency.CRITICAL)


def totals_differ(found: TotalsDiffer, saying: Saying) -> Words:
    """The totals of fal and of the ledger differ."""
    write = saying.write
    return Words(
        named("fal's totals differ from the ledger's", found.account),
        sentences(
            f"By fal's own totals {write.count(found.models, 'model')} came to {write.money(found.fal)}, "
            f"by the ledger to {write.money(found.ledger)}.",
            f"{write.count(found.requests, 'request explains', 'requests explain')} it." if found.requests else "",
            last="`trayd reconcile` names them.",
        ),
    )


def rejected(file: FileRejected, _saying: Saying) -> Words:
    """A dropped file was not taken in, or not wholly."""
    # Names of files can be as long as all that Windows shows of both.
    room = max(TITLE - units_of(file.title.replace(file.name, "")), 1)
    title = file.title if units_of(file.title) <= TITLE else file.title.replace(file.name, name(file.name, room))
    reason = file.reason if units_of(file.reason) <= TEXT else file.reason.replace(file.name, name(file.name))
    return Words(title, reason)


def history_read(done: BackfillDone, _saying: Saying) -> Words:
    """The first poll of an account is complete."""
    return Words("trayd has read your history", f"{owner(done.account)}: {done.found}.", Urgency.LOW)
