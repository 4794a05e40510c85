"""Both files of a pair damaged at every byte, alone and together: rebuilt from the other, or refused by name.

The files are in memory, so that every byte has its turn at every run. What is broken here is one month; the state is
a pair of the same kind and has its turn at the end.
"""

import logging
import random
from pathlib import Path

import pytest

from tests.ledger.making import DAY, HOUR, NOON, balance, billing, covers, edit, event, folders, row
from tests.ledger.memory import MemoryDisk
from trayd.errors import LedgerDamagedError, LedgerError
from trayd.ledger import merge
from trayd.ledger.merge import NOTHING
from trayd.ledger.pair import Change, Pair
from trayd.ledger.tables import STATE_TABLES, MonthDB, StateDB, row_of

RECORDS = MonthDB.default_table_name
HOME = folders(Path("/nowhere"))
FILE, MIRROR = HOME.ledger / "2026-11.json", HOME.backup / "2026-11.jsonl"


class Story:
    """A month as it grew: what it held after each change, and both files as they were at each moment."""

    def __init__(self):
        self.disk = MemoryDisk()
        self.pair = opened(self.disk)
        self.facts = {}
        self.states = [{}]
        self.moments = [self.disk.files()]

    def say(self, *said):
        """One change, of one line for each record."""
        changes = {}
        for record_id, way, fact in said:
            self.facts[record_id] = way(self.facts.get(record_id, NOTHING), fact)
            changes[record_id] = Change(RECORDS, record_id, row_of(record_id, self.facts[record_id]))
        self.pair.write(list(changes.values()))
        self.pair.apply(changes.values())
        self.states.append(content(self.pair))
        self.moments.append(self.disk.files())

    def checkpoint(self):
        self.pair.checkpoint()
        self.moments.append(self.disk.files())


def opened(disk, known=None):
    return Pair("2026-11", HOME, disk, MonthDB, (RECORDS,), known)


def content(pair):
    return {record_id: bytes(row.facts) for record_id, row in pair.table(RECORDS).rows.items()}


def before_the_first_checkpoint():
    story = Story()
    story.say(("r1", merge.with_event, event("a", "r1", client="N")))
    story.say(("r2", merge.with_billing, billing("r2", row(at=NOON + DAY))), ("r1", merge.with_billing, billing("r1")))
    story.say(("r1", merge.with_edit, edit("r1", "note", "x")))
    return story


def after_two_checkpoints():
    story = Story()
    story.say(("r1", merge.with_event, event("a", "r1", client="N")))
    story.checkpoint()
    story.say(("r1", merge.with_billing, billing("r1")))
    story.checkpoint()
    story.say(("r2", merge.with_event, event("b", "r2", NOON + DAY)), ("r1", merge.with_edit, edit("r1", "note", "x")))
    story.say(("r2", merge.with_edit, edit("r2", "note", "y")))
    return story


def with_a_mirror_written_anew():
    story = Story()
    story.say(("r1", merge.with_event, event("a", "r1", client="N")))
    story.checkpoint()
    story.say(("r1", merge.with_billing, billing("r1", key=(128 << 10) * "x")))
    story.say(("r1", merge.with_billing, billing("r1", key="short", fetched=NOON + HOUR)))
    story.checkpoint()
    assert len(story.disk[MIRROR]) < 2000
    story.say(("r2", merge.with_event, event("b", "r2", NOON + DAY)))
    return story


STORIES = (before_the_first_checkpoint, after_two_checkpoints, with_a_mirror_written_anew)


@pytest.fixture(autouse=True)
def quiet():
    """What is damaged a thousand times is logged a thousand times."""
    log = logging.getLogger("trayd.ledger")
    log.setLevel(logging.CRITICAL)
    yield
    log.setLevel(logging.NOTSET)


@pytest.fixture(scope="module", params=STORIES, ids=lambda told: told.__name__)
def story(request):
    return request.param()


class Opened:
    """What a month is found to be when its two files are these."""

    def __init__(self, file, mirror, known=None):
        given = {FILE: file, MIRROR: mirror}
        self.given = {path: data for path, data in given.items() if data is not None}
        self.disk = disk = MemoryDisk(self.given)
        self.refused = None
        try:
            pair = opened(disk, known)
        except LedgerError as error:
            self.refused = str(error)
            named = {FILE, MIRROR} if isinstance(error, LedgerDamagedError) else {FILE}
            assert all(str(path) in self.refused for path in named), "a version that changed is a newer trayd's"
            assert disk.files() == self.given, "nothing is changed where it is refused"
            return
        self.content = content(pair)
        self.pair_saved = pair.saved
        self.notices = " ".join(pair.notices)
        self.aside = {path.name: disk[path] for path in disk.files() if path not in {FILE, MIRROR}}
        assert all(name in self.notices for name in self.aside), "a person is told of each copy that is kept"
        self._mended(pair)

    def _mended(self, pair):
        """It is sound from now on, and stays what it is."""
        problems = pair.verify()
        assert not (problems and self.notices), problems
        self.problems = problems
        pair.checkpoint()
        pair.close()
        assert self.disk.open_handles == 0
        again = opened(self.disk)
        assert content(again) == self.content
        if not problems:
            assert again.verify() == []
            assert again.notices == []
        again.close()
        self.disk.remove(MIRROR)
        if FILE in self.disk:
            alone = opened(self.disk)
            assert content(alone) == self.content, "the TinyDB file has it all"
            alone.close()

    @property
    def noticed(self):
        """Told at the opening, or by verifying, or refused."""
        return bool(self.refused or self.notices or self.problems)


def cuts(data):
    return (data[:size] for size in range(len(data)))


def flips(data, seed=0):
    """Each byte in its turn, with one bit turned over, and with another byte in its place."""
    dice = random.Random(seed)
    for at, byte in enumerate(data):
        for other in (byte ^ (1 << dice.randrange(8)), (byte + dice.randrange(1, 256)) % 256):
            yield at, data[:at] + bytes([other]) + data[at + 1 :]


def files_of(moment):
    return moment.get(FILE), moment.get(MIRROR)


def held(story, moment):
    """How far a moment's TinyDB file alone goes: the number of its state; -1 without a file."""
    file = moment.get(FILE)
    return -1 if file is None else story.states.index(Opened(file, None).content)


def older_files(story):
    """The TinyDB file as it was at each time, and not at all."""
    return {moment.get(FILE): held(story, moment) for moment in story.moments}


def test_a_mirror_cut_at_every_byte_beside_every_tinydb_file_there_ever_was(story):
    for file, has in older_files(story).items():
        last = -1
        for mirror in cuts(story.disk[MIRROR]):
            found = Opened(file, mirror)
            if found.refused:
                assert file is None, "not all of the documents that the mirror began with are left"
                continue
            at = story.states.index(found.content)
            assert at >= max(last, has), "a longer mirror never tells less, and the file's part is safe"
            last = at
        assert last >= len(story.states) - 2


def test_a_tinydb_file_cut_at_every_byte_is_rebuilt_from_its_mirror_and_kept_aside(story):
    file, mirror = files_of(story.moments[-1])
    for cut in cuts(file or b""):
        found = Opened(cut, mirror)
        assert found.content == story.states[-1]
        assert cut in found.aside.values()


def test_a_tinydb_file_cut_at_every_byte_beside_yesterdays_mirror(story):
    yesterday = story.moments[-2]
    right = Opened(*files_of(yesterday)).content
    for cut in cuts(story.disk.files().get(FILE, b"")):
        found = Opened(cut, yesterday[MIRROR])
        assert found.content == right
        assert cut in found.aside.values()


def test_a_tinydb_file_cut_at_every_byte_without_a_mirror_is_refused(story):
    for cut in cuts(story.disk.files().get(FILE, b"")):
        assert Opened(cut, None).refused


def test_both_cut_are_refused_by_name_or_tell_what_is_whole(story):
    file, mirror = files_of(story.moments[-1])
    dice = random.Random(1)
    for cut in cuts(file or b""):
        found = Opened(cut, mirror[: dice.randrange(len(mirror))])
        assert found.refused or (found.content in story.states and cut in found.aside.values())


def test_a_byte_of_the_mirror_that_changed_never_changes_a_record(story):
    """What was durable in the mirror alone can be lost with its line; then that is told."""
    file, mirror = files_of(story.moments[-1])
    versions = {key: {state.get(key) for state in story.states} for key in story.states[-1]}
    safe = held(story, story.moments[-1])
    for at, broken in flips(mirror):
        found = Opened(file, broken)
        if at < len(mirror) - 1:  # without its end, the last line is one that was cut off while it was written
            assert found.noticed or found.content == story.states[-1], at
        if found.refused:
            assert file is None, found.refused
            continue
        assert all(found.content.get(key) in values for key, values in versions.items()), at
        if safe >= 0:
            assert all(
                found.content.get(key) in [state.get(key) for state in story.states[safe:]] for key in versions
            ), at


def test_a_byte_of_the_tinydb_file_that_changed_is_mended_from_the_mirror(story):
    file, mirror = files_of(story.moments[-1])
    for at, broken in flips(file or b""):
        found = Opened(broken, mirror)
        assert found.refused or found.content == story.states[-1], at


def test_a_byte_of_the_tinydb_file_that_changed_without_a_mirror_is_refused(story):
    """But for what the seal says of the mirror, which does not matter without one."""
    file = story.disk.files().get(FILE, b"")
    for at, broken in flips(file):
        found = Opened(broken, None)
        assert found.refused or (at > file.rfind(b'"trayd"') and found.content == Opened(file, None).content), at


def test_holes_and_zeros_as_a_power_cut_leaves_them(story):
    file, mirror = files_of(story.moments[-1])
    dice = random.Random(2)
    for _ in range(150):
        start = dice.randrange(len(mirror))
        length = dice.randrange(1, 600)
        found = Opened(file, mirror[:start] + bytes(len(mirror[start : start + length])) + mirror[start + length :])
        assert found.noticed or found.content in story.states
        if file is None:
            continue
        start = dice.randrange(len(file))
        broken = file[:start] + bytes(len(file[start : start + length])) + file[start + length :]
        found = Opened(broken, mirror)
        assert found.content == story.states[-1]
        assert broken in found.aside.values()


def test_a_file_of_zeros_is_rebuilt_from_the_other(story):
    file, mirror = files_of(story.moments[-1])
    if file is None:
        return
    assert Opened(bytes(len(file)), mirror).content == story.states[-1]
    found = Opened(file, bytes(len(mirror)))
    assert story.states.index(found.content) == held(story, story.moments[-1])
    assert "2026-11.jsonl" in found.notices
    assert Opened(bytes(len(file)), bytes(len(mirror))).refused


def test_a_mirror_whose_end_stands_in_it_twice(story):
    file, mirror = files_of(story.moments[-1])
    for start in range(len(mirror)):
        found = Opened(file, mirror + mirror[start:])
        assert found.noticed
        assert (found.refused and file is None) or found.content == story.states[-1]


def test_yesterdays_files_alone_and_together(story):
    """Of every file there ever was with every mirror there ever was: the later of the two, never a mixture."""
    for one in story.moments:
        for other in story.moments:
            file, mirror = one.get(FILE), other.get(MIRROR)
            found = Opened(file, mirror)
            assert not found.refused
            told = story.states.index(found.content)
            alone = story.states.index(Opened(None, mirror).content)
            assert told == max(alone, held(story, one))


def test_yesterdays_files_where_it_is_known_what_there_was(story):
    """Refused where neither holds what the last TinyDB file did; where one does, as if nothing were known."""
    file = story.moments[-1].get(FILE)
    if file is None:
        return
    known = Opened(file, None).pair_saved
    for one in story.moments:
        for other in story.moments:
            given = one.get(FILE), other.get(MIRROR)
            blind = Opened(*given)
            found = Opened(*given, known)
            if story.states.index(blind.content) < held(story, story.moments[-1]):
                assert "older than" in found.refused or "missing" in found.refused
            else:
                assert found.content == blind.content
    assert "are both missing" in Opened(None, None, known).refused


STATE_FILE, STATE_MIRROR = HOME.ledger / "state.json", HOME.backup / "state.jsonl"


def opened_state(disk):
    return Pair("state", HOME, disk, StateDB, tuple(STATE_TABLES))


def held_by_state(pair):
    return {(name, key): row for name, table in pair.tables.items() for key, row in table.rows.items()}


@pytest.fixture(scope="module")
def state():
    """Both files of the state, what they hold together, and what the TinyDB file holds alone."""
    disk = MemoryDisk()
    pair = opened_state(disk)
    alone = {}
    for number in range(3):
        changes = [
            Change("balances", str(number), balance(str(number))),
            Change("coverage", "acme", covers("acme", NOON, NOON + number * HOUR)),
        ]
        pair.write(changes)
        pair.apply(changes)
        if number == 1:
            pair.checkpoint()
            alone = held_by_state(pair)
    return disk[STATE_FILE], disk[STATE_MIRROR], held_by_state(pair), alone


def found_of_state(file, mirror):
    pair = opened_state(MemoryDisk({STATE_FILE: file, STATE_MIRROR: mirror}))
    assert pair.verify() == [] or not pair.notices
    return held_by_state(pair)


def test_the_states_file_cut_or_changed_at_every_byte(state):
    file, mirror, right, _ = state
    for broken in (*cuts(file), *(other for at, other in flips(file) if at < file.rfind(b'"trayd"'))):
        assert found_of_state(broken, mirror) == right


def test_the_states_mirror_cut_or_changed_at_every_byte(state):
    """The last change stands in the mirror alone, and goes with its line; the watermark goes back with its rows."""
    file, mirror, right, alone = state
    for broken in (*cuts(mirror), *(other for _, other in flips(mirror))):
        assert found_of_state(file, broken) in (right, alone)
