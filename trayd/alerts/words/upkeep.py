"""The words about what keeps trayd from knowing: keys, connections, files and the ledger."""

from __future__ import annotations

from trayd.alerts.rules import BackfillDone, FileRejected
from trayd.alerts.rules.accounts import NoAnswer
from trayd.alerts.rules.ledger import Damaged, Mended, TotalsDiffer, Unwritable
from trayd.alerts.words.writing import TEXT, TITLE, MessageContext, Words, name, sentences, with_cure, written_time
from trayd.episodes import Urgency
from trayd.facts import AccountFact
from trayd.records import DEFAULT_ACCOUNT
from trayd.texts import units_of

_LOCKED = "fal has locked the account"
_SILENT = "Until then trayd learns nothing new of it."
_CURES = {
    "bad_key": f"Set a good one from https://fal.ai/dashboard/keys with `trayd key set`. {_SILENT}",
    "needs_admin": "Make one with the Admin scope at https://fal.ai/dashboard/keys and set it with `trayd key set`.",
    "locked": "Add credits at https://fal.ai/dashboard/billing.",
}
_LOOK = "Look at the connection; `trayd doctor` tells more."

_TITLES = {
    "bad_key": "fal refuses the key",
    "no_key": "The fal key is gone",
    "needs_admin": "An Admin key is needed",
    "locked": "fal has locked the account",
}


def account(fact: AccountFact, context: MessageContext) -> Words:
    """An account needs a person."""
    write = context.write
    urgency = Urgency.CRITICAL if fact.state == "locked" else Urgency.NORMAL
    cure = _CURES.get(fact.state, _SILENT)
    if fact.name != DEFAULT_ACCOUNT:
        cure = cure.replace("`trayd key set`", f"`trayd key set {fact.name}`")
    # Why there is no key, which may lie with the keyring, tells its own cure.
    problem = fact.problem if fact.state == "no_key" else fact.problem.partition("; ")[0]
    told = f": {problem.rstrip('.')}"
    if problem.startswith(_LOCKED):
        # The headline says it already, but not why.
        told = f" is locked{problem.removeprefix(_LOCKED)}: its jobs fail"
    text = sentences(f"{write.owner(fact)}{told}.", last=cure)
    return Words(write.named(_TITLES[fact.state], fact), text, urgency)


def no_answer(silent: NoAnswer, context: MessageContext) -> Words:
    """The account does not answer."""
    write = context.write
    known = ""
    if silent.since is not None:
        known = "All that trayd shows is from then"
        known += f": {write.money(silent.balance)} left." if silent.balance is not None else "."
    since = written_time(silent.since or silent.tried_since, silent.now)
    owner = write.owner(silent.account)
    first = f"fal has not answered since {since} for {owner[:1].lower()}{owner[1:]}."
    room = max(TEXT - units_of(f"{first} {known} "), TEXT // 2)
    return Words(
        write.named("fal does not answer", silent.account),
        sentences(first, known, last=_as_sentence(silent.problem, room) or _LOOK),
    )


def _as_sentence(problem: str, room: int) -> str:
    if not problem:
        return ""
    first = problem.partition(" ")[0]
    # fal and a host are written as they are.
    begin = problem[:1].upper() if first.isalpha() and first != "fal" else problem[:1]
    told = begin + problem[1:].rstrip(".")
    return f"{with_cure(told, room - 1)}."


def unwritable(found: Unwritable, _context: MessageContext) -> Words:
    """The ledger cannot be written."""
    problem = with_cure(found.problem.rstrip("."), TEXT - 1)
    text = sentences(f"{problem}.", "Until then nothing new is kept; fal is asked for it again.")
    return Words("The ledger cannot be written", text, Urgency.CRITICAL)


def mended(found: Mended, _context: MessageContext) -> Words:
    """Something was mended."""
    text = sentences(f"{found.notice.rstrip('.')}.", last="`trayd ledger verify` looks through all of it.")
    return Words("The ledger was mended", text)


def damaged(found: Damaged, context: MessageContext) -> Words:
    """The files are damaged."""
    write = context.write
    first, *others = found.problems or ("",)
    more = f"And {write.count(len(others), 'more problem')}." if others else ""
    cure = "Mend it with `trayd ledger rebuild`, then look again with `trayd ledger verify`."
    return Words("The ledger is damaged", sentences(f"{first.rstrip('.')}.", more, last=cure), Urgency.CRITICAL)


def totals_differ(found: TotalsDiffer, context: MessageContext) -> Words:
    """The totals of fal and of the ledger differ."""
    write = context.write
    return Words(
        write.named("fal's totals differ from the ledger's", found.account),
        sentences(
            f"By fal's own totals {write.count(found.models, 'model')} came to {write.money(found.fal)}, "
            f"by the ledger to {write.money(found.ledger)}.",
            f"{write.count(found.requests, 'request explains', 'requests explain')} it." if found.requests else "",
            last="`trayd reconcile` shows where.",
        ),
    )


def rejected(file: FileRejected, _context: MessageContext) -> Words:
    """A dropped file was not taken in, or not wholly."""
    # Names of files can be as long as all that Windows shows of both.
    room = max(TITLE - units_of(file.title.replace(file.name, "")), 1)
    title = file.title if units_of(file.title) <= TITLE else file.title.replace(file.name, name(file.name, room))
    reason = file.reason if units_of(file.reason) <= TEXT else file.reason.replace(file.name, name(file.name))
    return Words(title, reason)


def history_read(done: BackfillDone, context: MessageContext) -> Words:
    """The first poll of an account is complete."""
    write = context.write
    return Words(
        write.named("trayd has read your history", done.account),
        f"{write.owner(done.account)} has {done.found}.",
        Urgency.LOW,
    )
