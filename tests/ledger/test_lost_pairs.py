"""Pairs of which both files are gone, are yesterday's, or are another month's: refused by name, mended when asked."""

import re
import shutil
from pathlib import Path

import pytest

from tests.ledger.faults import QuickDisk
from tests.ledger.making import DAY, NOON, billing, covers, crash, edit, event, folders, opened, row
from trayd.errors import LedgerDamagedError, LedgerError
from trayd.facts import Batch
from trayd.ledger.contents import Source
from trayd.ledger.pair import Change
from trayd.operations.keeping import (
    BackupQuery,
    RebuildQuery,
    ResetQuery,
    RestoreQuery,
    backup,
    put_back,
    reset,
    write_anew_closed,
)

URL = "http://127.0.0.1:1/v1"
OCTOBER = NOON - 30 * DAY
NOVEMBER_BEGINS = NOON.replace(day=1, hour=0)
OCTOBER_BEGINS = NOVEMBER_BEGINS.replace(month=10)


@pytest.fixture
def home(tmp_path):
    """Two months and a state, closed: two requests in October, one in November."""
    ledger = opened(tmp_path, QuickDisk(), URL)
    ledger.add(
        Batch(
            billing=(billing("o1", row(at=OCTOBER)), billing("o2", row(at=OCTOBER + DAY)), billing("n1")),
            coverage=(covers("acme", OCTOBER - 60 * DAY, NOON + DAY),),
        )
    )
    ledger.close()
    return tmp_path


def files(home, name):
    return home / f"ledger/{name}.json", home / f"backup/{name}.jsonl"


def lose(home, name):
    for path in files(home, name):
        path.unlink()


def exchange(one, other):
    kept = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(kept)


def rebuilt(home, *names, source=None):
    """As the command does it where the ledger cannot be opened."""
    query = RebuildQuery(pairs=",".join(names), source=source)
    return {one.pair: one for one in write_anew_closed(folders(home), query, holder="a test")}


def ids(home, url=URL):
    ledger = opened(home, QuickDisk(), url)
    try:
        assert ledger.verify() == []
        assert ledger.notices == ()
        return {record.id for record in ledger.records()}
    finally:
        ledger.close()


class TestAMonthThatIsGone:
    def test_is_missed_by_name_and_no_total_goes_on_without_it(self, home):
        lose(home, "2026-10")
        ledger = opened(home, QuickDisk(), URL)
        for ask in (lambda: list(ledger.records()), lambda: ledger.get("o1") or list(ledger.records())):
            with pytest.raises(
                LedgerDamagedError, match=r"2026-10\.json and .*2026-10\.jsonl are both missing"
            ) as told:
                ask()
        assert "`trayd ledger rebuild 2026-10`, which goes on without them" in told.value.cure
        (problem,) = ledger.verify()
        assert (problem.pair, problem.cure) == (
            "2026-10",
            "run `trayd ledger rebuild 2026-10`; what it replaces is kept",
        )
        crash(ledger)
        assert not any(path.exists() for path in files(home, "2026-10")), "nothing empty has taken its place"

    def test_is_missed_by_a_ledger_that_has_let_go_of_it_as_well(self, home):
        ledger = opened(home, QuickDisk(), URL)
        assert len(list(ledger.records())) == 3
        ledger._months.close()
        lose(home, "2026-10")
        with pytest.raises(LedgerDamagedError, match="both missing"):
            list(ledger.records())
        crash(ledger)

    def test_comes_back_when_its_files_do(self, home):
        for path in files(home, "2026-10"):
            path.rename(path.with_suffix(".elsewhere"))
        ledger = opened(home, QuickDisk(), URL)
        with pytest.raises(LedgerDamagedError):
            list(ledger.records())
        ledger.close()
        for path in files(home, "2026-10"):
            path.with_suffix(".elsewhere").rename(path)
        assert ids(home) == {"o1", "o2", "n1"}

    def test_is_gone_on_without_when_asked_and_fal_is_asked_for_it_again(self, home):
        lose(home, "2026-10")
        done = rebuilt(home, "2026-10")["2026-10"]
        assert (done.documents, done.read, done.kept) == (0, "neither", ())
        assert done.lacks_since == done.again_since == OCTOBER_BEGINS
        (missing,) = done.missing
        assert missing.endswith("neither holds anything of 2026-10 any more; all of it is lost")
        assert ids(home) == {"n1"}
        ledger = opened(home, QuickDisk(), URL)
        assert ledger.coverage("acme").until == OCTOBER_BEGINS
        ledger.add(Batch(billing=(billing("o1", row(at=OCTOBER)),)))
        ledger.close()
        lose(home, "2026-10")
        ledger = opened(home, QuickDisk(), URL)
        with pytest.raises(LedgerDamagedError, match="both missing"):
            list(ledger.records())
        ledger.close()

    def test_is_part_of_a_rebuild_of_all(self, home):
        lose(home, "2026-10")
        ledger = opened(home, QuickDisk(), URL)
        done = {one.name: one for one in ledger.rebuild()}
        assert list(done) == ["state", "2026-10", "2026-11"]
        assert [record.id for record in ledger.records()] == ["n1"]
        ledger.close()

    def test_is_not_missed_where_the_sums_that_tell_of_it_are_gone_as_well(self, home):
        lose(home, "2026-10")
        shutil.rmtree(home / "ledger/rollups")
        assert ids(home) == {"n1"}

    def test_is_not_missed_where_the_sums_are_damaged(self, home):
        lose(home, "2026-10")
        (home / "ledger/rollups/months.json").write_bytes(b"{")
        assert ids(home) == {"n1"}

    def test_makes_a_backup_say_so(self, home):
        lose(home, "2026-10")
        ledger = opened(home, QuickDisk(), URL)
        with pytest.raises(LedgerDamagedError, match=r"2026-10 is damaged.*both of its files are missing"):
            ledger.backup(NOON)
        ledger.close()


class TestAMonthOfYesterday:
    @pytest.fixture
    def yesterday(self, home):
        """Both files as they were; since then a request and a tag have come."""
        kept = {path: path.read_bytes() for path in files(home, "2026-11")}
        ledger = opened(home, QuickDisk(), URL)
        ledger.add(Batch(billing=(billing("n2"),), edits=(edit("n1", "client", "Northwind"),)))
        ledger.close()
        return kept

    def test_is_refused_by_name_and_left_as_it_is(self, home, yesterday):
        for path, content in yesterday.items():
            path.write_bytes(content)
        ledger = opened(home, QuickDisk(), URL)
        with pytest.raises(LedgerDamagedError, match=r"2026-11\.json and .*2026-11\.jsonl are older than") as told:
            list(ledger.records())
        assert "`trayd ledger rebuild 2026-11`" in told.value.cure
        crash(ledger)
        assert {path: path.read_bytes() for path in yesterday} == yesterday

    def test_is_refused_where_one_file_is_yesterdays_and_the_other_gone(self, home, yesterday):
        for path, content in yesterday.items():
            for other in yesterday:
                other.unlink(missing_ok=True)
            path.write_bytes(content)
            ledger = opened(home, QuickDisk(), URL)
            with pytest.raises(LedgerDamagedError, match="are older than"):
                list(ledger.records())
            crash(ledger)

    @pytest.mark.parametrize("which", [0, 1])
    def test_in_one_file_alone_is_rebuilt_from_the_other(self, home, yesterday, which):
        path = files(home, "2026-11")[which]
        path.write_bytes(yesterday[path])
        ledger = opened(home, QuickDisk(), URL)
        assert {record.id for record in ledger.records()} == {"o1", "o2", "n1", "n2"}
        ledger.close()

    def test_is_gone_on_with_when_asked_and_the_rest_is_asked_of_fal(self, home, yesterday):
        for path, content in yesterday.items():
            path.write_bytes(content)
        done = rebuilt(home, "2026-11")["2026-11"]
        assert (done.documents, done.again_since) == (1, NOVEMBER_BEGINS)
        assert any("it is older than" in text for text in done.missing)
        assert ids(home) == {"o1", "o2", "n1"}
        for path, content in yesterday.items():
            path.write_bytes(content)
        ledger = opened(home, QuickDisk(), URL)
        with pytest.raises(LedgerDamagedError, match="are older than"):
            list(ledger.records())
        crash(ledger)


class TestTheState:
    def test_that_is_gone_is_missed_while_there_are_months(self, home):
        lose(home, "state")
        with pytest.raises(LedgerDamagedError, match=r"state\.json and .*state\.jsonl are both missing") as told:
            opened(home, QuickDisk(), URL)
        assert "`trayd ledger rebuild state`" in told.value.cure
        with pytest.raises(LedgerDamagedError, match="state"):
            rebuilt(home, "2026-11")

    @pytest.mark.parametrize("names", [("state",), ()])
    def test_is_gone_on_without_when_asked(self, home, names):
        lose(home, "state")
        done = rebuilt(home, *names)["state"]
        assert (done.documents, done.again_since) == (0, None)
        assert "links, how far billing has been read, alerts" in done.missing[0]
        assert ids(home) == {"o1", "o2", "n1"}
        ledger = opened(home, QuickDisk(), URL)
        assert ledger.coverage("acme") is None, "the next poll reads billing anew"
        ledger.close()

    def test_of_a_ledger_that_is_quite_empty_is_not_missed(self, home):
        for name in ("state", "2026-10", "2026-11"):
            lose(home, name)
        shutil.rmtree(home / "ledger/rollups")
        assert ids(home) == set()


class TestNothingIsMissed:
    """What takes months away on purpose takes away what would tell of them as well."""

    def test_after_a_reset(self, home):
        ledger = opened(home, QuickDisk(), URL)
        ledger.archive_and_clear(NOON)
        assert list(ledger.records()) == []
        ledger.close()
        assert ids(home) == set()

    def test_after_a_restore_of_a_copy_with_fewer_and_older_months(self, home):
        ledger = opened(home, QuickDisk(), URL)
        copy = ledger.backup(NOON).path
        ledger.add(Batch(billing=(billing("n2"), billing("d1", row(at=NOON + 40 * DAY)))))
        ledger.checkpoint()
        ledger.restore(copy, NOON)
        assert len(list(ledger.records())) == 3
        ledger.close()
        assert ids(home) == {"o1", "o2", "n1"}

    def test_in_a_month_that_has_come_and_was_never_saved(self, home):
        ledger = opened(home, QuickDisk(), URL)
        ledger.add(Batch(billing=(billing("d1", row(at=NOON + 40 * DAY)),)))
        crash(ledger)
        assert "d1" in ids(home)


class TestAnotherMonthsFiles:
    @pytest.fixture
    def swapped(self, home):
        exchange(files(home, "2026-10")[1], files(home, "2026-11")[1])
        return home

    def test_are_not_taken_by_a_rebuild_but_named_and_kept(self, swapped):
        mirror = files(swapped, "2026-10")[1]
        strange = mirror.read_bytes()
        done = rebuilt(swapped)
        assert done["2026-10"].missing == (f"{mirror}: it is the mirror of 2026-11, and was left out",)
        assert (done["2026-10"].documents, done["2026-10"].read) == (2, "file")
        assert strange in {Path(path).read_bytes() for path in done["2026-10"].kept}
        assert ids(swapped) == {"o1", "o2", "n1"}

    def test_are_not_taken_when_they_alone_are_asked_for(self, swapped):
        with pytest.raises(LedgerError, match=r"2026-10\.jsonl is the mirror of 2026-11"):
            rebuilt(swapped, "2026-10", source=Source.MIRROR)
        exchange(files(swapped, "2026-10")[0], files(swapped, "2026-11")[0])
        with pytest.raises(LedgerError, match=r"2026-10\.json is the file of 2026-11"):
            rebuilt(swapped, "2026-10", source=Source.FILE)

    def test_as_both_of_a_pair_count_as_none(self, home):
        for one, other in zip(files(home, "2026-10"), files(home, "2026-11"), strict=True):
            shutil.copy(other, one)
        done = rebuilt(home)["2026-10"]
        assert (done.documents, done.read) == (0, "neither")
        assert len(done.missing) == 3
        assert ids(home) == {"n1"}


def test_a_rebuild_tells_the_time_from_which_fal_is_really_asked_again(home):
    """Billing was never read from before the coverage begins: of older months there is nothing to ask."""
    ledger = opened(home, QuickDisk(), URL)
    ledger.add(Batch(events=(event("old", "s1", NOON - 120 * DAY),)))
    ledger.close()
    since = NOVEMBER_BEGINS + 3 * DAY
    lose(home, "state")
    rebuilt(home, "state")
    ledger = opened(home, QuickDisk(), URL)
    ledger.add(Batch(coverage=(covers("acme", since, NOON),)))
    ledger.close()
    for name in ("2026-07", "2026-11"):
        lose(home, name)
    done = rebuilt(home)
    assert (done["2026-07"].again_since, done["2026-11"].again_since) == (None, since)
    assert done["2026-11"].lacks_since == NOVEMBER_BEGINS
    ledger = opened(home, QuickDisk(), URL)
    assert ledger.coverage("acme").until == since
    ledger.close()


class TestCopiesOfADamagedLedger:
    @pytest.fixture
    def ledger(self, home):
        """A ledger one month of which has two damaged files."""
        for path in files(home, "2026-10"):
            path.write_bytes(b"\0" * 900)
        ledger = opened(home, QuickDisk(), URL)
        yield ledger
        ledger.close()

    def test_a_backup_is_kept_and_says_what_mends_the_ledger(self, ledger, home):
        copy = home / "copy.zip"
        with pytest.raises(LedgerDamagedError, match="the pair 2026-10 is damaged") as told:
            backup(ledger, BackupQuery(out=str(copy)), NOON)
        assert told.value.cure == f"run `trayd ledger rebuild 2026-10`, then back up again; this copy is kept as {copy}"
        assert copy.exists()

    def test_a_reset_names_what_of_its_archive_cannot_be_restored_as_it_is(self, ledger):
        done = reset(ledger, ResetQuery(confirm="DELETE"), NOON)
        assert done.damaged == ("2026-10",)
        with pytest.raises(LedgerDamagedError, match="the pair 2026-10 is damaged"):
            put_back(ledger, RestoreQuery(file=done.archive, confirm="RESTORE"), NOON)

    def test_a_restore_names_it_of_the_archive_that_it_makes(self, ledger, tmp_path_factory):
        other = tmp_path_factory.mktemp("other")
        whole = opened(other, QuickDisk(), URL)
        copy = whole.backup(NOON).path
        whole.close()
        done = put_back(ledger, RestoreQuery(file=str(copy), confirm="RESTORE"), NOON)
        assert done.damaged == ("2026-10",)

    def test_of_a_sound_one_are_promised_to_come_back(self, home):
        ledger = opened(home, QuickDisk(), URL)
        done = reset(ledger, ResetQuery(confirm="DELETE"), NOON)
        assert done.damaged == ()
        put_back(ledger, RestoreQuery(file=done.archive, confirm="RESTORE"), NOON)
        assert len(list(ledger.records())) == 3
        ledger.close()


def test_many_records_that_stand_twice_are_summed_up(tmp_path):
    ledger = opened(tmp_path, QuickDisk(), URL)
    ledger.add(Batch(billing=tuple(billing(f"r{number}", row(at=OCTOBER)) for number in range(25))))
    ledger.close()
    ledger = opened(tmp_path, QuickDisk(), URL)
    october = ledger._months.open("2026-10")
    november = ledger._months.open("2026-11")
    changes = [Change("_default", key, value) for key, value in october.rows.items()]
    november.pair.write(changes)
    november.apply(changes)
    ledger.checkpoint()
    problems = [problem.text for problem in ledger.verify()]
    assert len(problems) == 11
    assert re.search(r"the record r\d+ stands in .*2026-10\.json too", problems[0])
    assert problems[-1].endswith("2026-11.json: and 15 more records that stand elsewhere too")
    crash(ledger)
