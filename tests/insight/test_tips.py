"""Saving tips: what has to be in a person's records for one, and what it says."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.insight.samples import ecb, generation, generations, rates
from trayd.facts import ModelFact
from trayd.insight.tips import TipFinder
from trayd.money import Money
from trayd.records import Counting, Status

NOW = datetime(2026, 11, 20, 14, tzinfo=UTC)
PRO = "fal-ai/kling-video/v3/pro/text-to-video"
TURBO = "fal-ai/kling-video/v2.5-turbo/text-to-video"
VEO, VEO_FAST = "fal-ai/veo3.1", "fal-ai/veo3.1/fast"
FILM = {"client": "Northwind", "project": "Spring Campaign", "deliverable": "Hero Film"}
OTHER = {"client": "Halden", "project": "Launch", "deliverable": "Reel"}


def model(endpoint_id, price="0.10", operation="text-to-video", unit="seconds", name=None, licence=None):
    return ModelFact(
        endpoint_id=endpoint_id,
        seen_at=NOW,
        operation=operation,
        unit=unit,
        unit_price=Decimal(price),
        display_name=name,
        license_type=licence,
    )


def made(number, endpoint_id, cost, units="5", *, tags=FILM, **fields):
    """So many generations alike."""
    defaults = {"operation": "text-to-video", "unit": "seconds", "units": Decimal(units), **tags}
    return [
        generation(cost, endpoint_id=endpoint_id, id=f"{endpoint_id}-{cost}-{units}-{each}", **(defaults | fields))
        for each in range(number)
    ]


def asked(**parameters):
    return {"parameters": parameters}


def find(records, models=(), converter=None):
    finder = TipFinder({each.endpoint_id: each for each in models}, converter or rates(), UTC, Money.text)
    for record in records:
        finder.add(record)
    return finder.tips()


def kinds(records, models=()):
    return [tip.kind.value for tip in find(records, models)]


class TestCheaperModel:
    def test_two_models_used_for_one_project(self):
        (tip,) = find([*made(10, PRO, "0.70"), *made(12, TURBO, "0.35")])
        assert tip.kind == "cheaper_model"
        assert (tip.model, tip.instead) == (PRO, TURBO)
        assert (tip.saving, tip.cost, tip.records) == (Money.of("3.50"), Money.of("7.00"), 10)
        assert tip.text == (
            f"Northwind / Spring Campaign: 10 generations by {PRO} cost 7.00. For the same work 12 were made by "
            f"{TURBO}; at what those cost you, these would have cost 3.50 less. Quality may differ."
        )
        (evidence,) = tip.evidence
        assert (evidence.project, evidence.records, len(evidence.examples)) == ("Spring Campaign", 10, 3)

    @pytest.mark.parametrize(
        "records",
        [
            [*made(9, PRO, "0.70"), *made(12, TURBO, "0.35")],
            [*made(10, PRO, "0.70"), *made(9, TURBO, "0.35")],
            [*made(10, PRO, "0.70"), *made(12, TURBO, "0.47")],  # not so much cheaper
            [*made(10, PRO, "0.70"), *made(12, TURBO, "0.35", tags=OTHER)],
            [*made(10, PRO, "0.70", tags={}), *made(12, TURBO, "0.35", tags={})],  # no one work
            [*made(10, PRO, "0.14"), *made(12, TURBO, "0.07")],  # 70 cents
            [*made(10, PRO, "0.70"), *made(12, TURBO, "0.35", unit="videos")],
            [*made(10, PRO, "0.70"), *made(12, TURBO, "0.35", operation="image-to-video")],
            [*made(10, PRO, "0.70", unit="compute seconds"), *made(12, TURBO, "0.35", unit="compute seconds")],
            [*made(10, PRO, "0.70", status=Status.CANCELLED), *made(12, TURBO, "0.35")],
            [*made(10, PRO, None), *made(12, TURBO, "0.35")],  # unknown is not zero
            [*made(10, PRO, "0.70"), *made(12, TURBO, None)],
        ],
    )
    def test_anything_less_is_none(self, records):
        assert kinds(records) == []

    def test_the_smaller_of_two_reckonings_is_told(self):
        # Half the price for a second, and twice as long: by the generation, nothing is saved.
        assert kinds([*made(10, PRO, "0.70"), *made(12, TURBO, "0.70", units="10")]) == []

    def test_several_projects_are_one_tip(self):
        records = [
            *made(10, PRO, "0.70"),
            *made(12, TURBO, "0.35"),
            *made(20, PRO, "0.70", tags=OTHER),
            *made(12, TURBO, "0.35", tags=OTHER),
        ]
        (tip,) = find(records)
        assert tip.saving == Money.of("10.50")
        assert [each.project for each in tip.evidence] == ["Launch", "Spring Campaign"]
        assert tip.text.startswith("Halden / Launch and Northwind / Spring Campaign: 30 generations")

    @pytest.mark.parametrize(
        ("operation", "dear", "cheap", "told"),
        [
            ("image-to-image", "fal-ai/nano-banana-pro/edit", "fal-ai/nano-banana/edit", True),
            ("image-to-image", "fal-ai/nano-banana-pro/edit", "fal-ai/recraft/upscale/crisp", False),
            ("image-to-image", "fal-ai/flux-pro/kontext", "fal-ai/bria/background/remove", False),
            ("image-to-image", "fal-ai/one", "fal-ai/other", False),  # nobody knows what they do
            ("video-to-video", "fal-ai/topaz/upscale/video", "fal-ai/mmaudio-v2", False),
            ("image-to-video", "fal-ai/kling-video/ai-avatar/v2/standard", "wan/v2.6/image-to-video", False),
            ("image-to-video", "fal-ai/veo3.1/image-to-video", "wan/v2.6/image-to-video", True),
            ("text-to-audio", "fal-ai/elevenlabs/sound-effects/v2", "fal-ai/ace-step", False),
            ("text-to-image", "fal-ai/flux-lora", "fal-ai/flux/schnell", False),
            ("vision", "fal-ai/moondream", "fal-ai/florence", False),
        ],
    )
    def test_only_models_that_do_the_same_work_are_compared(self, operation, dear, cheap, told):
        records = [*made(10, dear, "0.70", operation=operation), *made(12, cheap, "0.35", operation=operation)]
        assert kinds(records) == (["cheaper_model"] if told else [])

    def test_what_was_free_for_a_while_is_no_price(self):
        assert kinds([*made(10, PRO, "0.70"), *made(12, TURBO, "0.00")]) == []


class TestSmallerModel:
    MODELS = (model(VEO, "0.40"), model(VEO_FAST, "0.15"))

    def test_one_of_the_same_family(self):
        (tip,) = find(made(20, VEO, "3.20", units="8", tags={}), self.MODELS)
        assert (tip.kind.value, tip.instead, tip.saving) == ("smaller_model", VEO_FAST, Money.of("40.00"))
        assert tip.text.startswith("Without a project: 20 generations")

    def test_a_discount_leaves_less_to_save(self):
        (tip,) = find(made(20, VEO, "2.56", units="8"), self.MODELS)
        assert tip.saving == Money.of("27.20")

    @pytest.mark.parametrize(
        ("records", "models"),
        [
            (made(19, VEO, "3.20", units="8"), MODELS),
            (made(20, VEO, "3.20", units="8"), (MODELS[0], model(VEO_FAST, "0.30"))),
            (made(20, VEO, "3.20", units="8"), (MODELS[0], model(VEO_FAST, "0.15", unit="videos"))),
            (made(20, VEO, "3.20", units="8"), (MODELS[0], model("fal-ai/veo3/fast", "0.15"))),  # another version
            (made(20, VEO, "3.20", units="8"), (MODELS[0], model(VEO_FAST, "0"))),  # free is no known price
        ],
    )
    def test_anything_less_is_none(self, records, models):
        assert kinds(records, models) == []

    def test_not_beside_what_the_person_uses_for_the_same_project(self):
        records = [*made(20, VEO, "3.20", units="8"), *made(12, VEO_FAST, "1.20", units="8")]
        assert kinds(records, self.MODELS) == ["cheaper_model"]


def loud(number, cost="0.84", **fields):
    return made(number, PRO, cost, "6", **asked(duration="5", generate_audio=True), **fields)


def silent(number, cost="0.56", **fields):
    return made(number, PRO, cost, "4", **asked(duration=5, generate_audio=False), **fields)


class TestSound:
    def test_videos_with_sound_beside_some_without(self):
        (tip,) = find([*loud(6), *silent(3)])
        assert (tip.kind.value, tip.saving, tip.records) == ("sound", Money.of("1.68"), 6)

    def test_videos_with_sound_beside_voices(self):
        voices = made(3, "fal-ai/dia-tts", "0.02", operation="text-to-speech", unit="1000 characters")
        assert kinds([*loud(6), *silent(3, tags=OTHER), *voices]) == ["sound"]

    @pytest.mark.parametrize(
        "records",
        [
            [*loud(4, "1.20"), *silent(3)],
            [*loud(6), *silent(2)],
            [*loud(6), *silent(3, "0.80")],  # sound costs next to nothing
            [*loud(6), *silent(3, tags=OTHER)],  # nothing tells that this needs none
            [*loud(6, tags={}), *silent(3, tags={})],
            [*loud(6), *made(3, PRO, "0.28", "2", **asked(duration="3", generate_audio=False))],  # shorter
            [*loud(6), *made(3, PRO, "0.56", "4", **asked(duration="5"))],  # it does not say
        ],
    )
    def test_anything_less_is_none(self, records):
        assert kinds(records) == []


class TestResolution:
    @staticmethod
    def videos(number, resolution, cost, **fields):
        return made(number, VEO, cost, "8", **asked(resolution=resolution, duration="8s"), **fields)

    def test_4k_beside_1080p_in_one_project(self):
        (tip,) = find([*self.videos(4, "4k", "4.80"), *self.videos(5, "1080p", "3.20")])
        assert (tip.kind.value, tip.saving) == ("resolution", Money.of("6.40"))
        assert tip.title.endswith("in 1080p")

    @pytest.mark.parametrize(
        ("many", "few"),
        [
            ((2, "4k", "4.80"), (5, "1080p", "3.20")),
            ((4, "4k", "4.80"), (4, "1080p", "3.20")),
            ((4, "1080p", "4.80"), (5, "720p", "3.20")),
            ((4, "4k", "3.40"), (5, "1080p", "3.20")),
            ((4, "4k", "4.80"), (5, "360p", "0.20")),
            ((4, "huge", "4.80"), (5, "1080p", "3.20")),
        ],
    )
    def test_anything_less_is_none(self, many, few):
        assert kinds([*self.videos(*many), *self.videos(*few)]) == []

    def test_four_pictures_at_once_cost_more_than_one_whatever_their_lines(self):
        many = made(5, PRO, "0.60", **asked(resolution="4K", num_images=4))
        assert kinds([*many, *made(5, PRO, "0.15", **asked(resolution="1080p", num_images=1))]) == []

    def test_another_project_s_1080p_says_nothing(self):
        assert kinds([*self.videos(4, "4k", "4.80"), *self.videos(5, "1080p", "3.20", tags=OTHER)]) == []


def long(number, cost="2.10", seconds="15", **fields):
    return made(number, PRO, cost, seconds, **asked(duration=seconds), **fields)


def usual(number, **fields):
    return made(number, PRO, "0.70", "5", **asked(duration="5"), **fields)


class TestLength:
    def test_videos_twice_as_long_as_usual(self):
        (tip,) = find([*usual(15), *long(5)])
        assert (tip.kind.value, tip.saving, tip.records) == ("length", Money.of("7.00"), 5)
        assert "the usual 5 s" in tip.text

    @pytest.mark.parametrize("written", [15, "15s", "15 s", 15.0, "15.0"])
    def test_however_a_length_is_written(self, written):
        (tip,) = find([*usual(15), *made(5, PRO, "2.10", "15", **asked(duration=written))])
        assert tip.saving == Money.of("7.00")

    @pytest.mark.parametrize(
        "records",
        [
            [*usual(14), *long(5)],
            [*usual(16), *long(4)],
            [*usual(15), *long(5, "1.26", "9")],
            [*usual(15), *long(5, tags=OTHER)],  # that project's are long
            [*usual(15, unit="units"), *long(5, unit="units")],
            [*usual(15, operation="video-to-video"), *long(5, operation="video-to-video")],
        ],
    )
    def test_anything_less_is_none(self, records):
        assert kinds(records) == []

    def test_more_units_are_not_more_seconds(self):
        # The same five seconds with sound, or in 4K, are billed by twice the units.
        records = [*usual(15), *made(5, PRO, "1.40", "10", **asked(duration="5", generate_audio=True))]
        assert kinds(records) == []
        assert kinds([*made(15, PRO, "0.70", "5"), *made(5, PRO, "2.10", "15")]) == []
        assert kinds([*usual(15), *made(5, PRO, "2.10", "15", **asked(duration="auto"))]) == []


class TestBilledFailures:
    def test_what_failed_and_was_billed(self):
        (tip,) = find(made(3, PRO, "0.20", status=Status.FAILED))
        assert (tip.kind.value, tip.saving, tip.records) == ("billed_failures", Money.of("0.60"), 3)

    @pytest.mark.parametrize(
        "records",
        [
            made(2, PRO, "0.70", status=Status.FAILED),
            made(3, PRO, "0.10", status=Status.FAILED),
            made(3, PRO, None, status=Status.FAILED, counting=Counting.FREE),
            made(3, PRO, None, status=Status.FAILED),
        ],
    )
    def test_what_was_not_billed_is_none(self, records):
        assert kinds(records) == []


class TestLicence:
    MODELS = (model(PRO, licence="research"),)

    def test_one_that_cost_nothing_is_a_risk_as_well(self):
        (tip,) = find(made(1, PRO, "0.00"), self.MODELS)
        assert (tip.kind.value, tip.cost) == ("licence", Money(0))

    @pytest.mark.parametrize("status", [Status.FAILED, Status.CANCELLED])
    def test_what_failed_has_made_nothing_to_bill(self, status):
        assert kinds(made(2, PRO, "0.20", status=status), self.MODELS) == []

    def test_no_tip_names_such_a_model_as_the_one_to_try(self):
        used = [*made(10, PRO, "0.70", tags=FILM), *made(12, TURBO, "0.35", tags=FILM)]
        assert kinds(used) == ["cheaper_model"]
        assert kinds(used, [model(TURBO, licence="research"), model(PRO)]) == ["licence"]
        family = [model(VEO, "0.40"), model(VEO_FAST, "0.15", licence="research")]
        assert kinds(made(20, VEO, "3.20", units="8"), family) == []

    def test_a_research_licence_at_work_for_a_client_is_a_risk(self):
        (tip,) = find(made(1, PRO, "0.70"), self.MODELS)
        assert (tip.kind.value, tip.saving, tip.cost) == ("licence", None, Money.of("0.70"))

    def test_work_for_nobody_is_none(self):
        assert kinds(made(3, PRO, "0.70", tags={"project": "Tests"}), self.MODELS) == []

    def test_other_licences_are_none(self):
        assert kinds(made(3, PRO, "0.70"), (model(PRO, licence="commercial"), model(VEO))) == []


BOTH = [*usual(20), *long(6), *made(12, TURBO, "0.35")]


def test_the_most_to_save_comes_first_and_overlaps_are_named():
    failures = made(3, PRO, "0.20", status=Status.FAILED)
    first, second, third = find([*BOTH, *failures])
    assert [tip.kind.value for tip in (first, second, third)] == ["cheaper_model", "length", "billed_failures"]
    assert (first.overlaps, second.overlaps, third.overlaps) == ((2,), (1,), ())


def test_amounts_are_in_the_home_currency_at_the_rates_of_their_days():
    (tip, _) = find(BOTH, converter=rates("EUR", USD=ecb("0.5")))
    assert (tip.cost, tip.saving) == (Money.of("13.30", "EUR"), Money.of("6.65", "EUR"))


def test_without_a_rate_they_stay_in_dollars():
    assert {tip.cost.currency for tip in find(BOTH, converter=rates("EUR"))} == {"USD"}


def test_a_name_that_several_models_have_is_told_as_the_id():
    models = (model(PRO, name="Wan"), model(TURBO, name="Wan"))
    assert find(BOTH, models)[0].title == f"{TURBO} instead of {PRO}"


def test_prompts_are_in_no_tip():
    records = [*loud(6), *silent(3)]
    for record in records:
        record.parameters["prompt"] = record.parameters["duration_note"] = "SECRET"
    assert "SECRET" not in repr(find(records))


@given(st.lists(generations, max_size=60), st.randoms(use_true_random=False))
def test_the_order_of_records_does_not_matter_and_no_tip_saves_more_than_was_spent(records, order):
    number = count()
    records = [*BOTH, *records]
    tips = find(records)
    order.shuffle(records)
    assert [(tip.kind, tip.saving, tip.cost) for tip in find(records)] == [
        (tip.kind, tip.saving, tip.cost) for tip in tips
    ]
    assert [tip.number - 1 for tip in tips] == [next(number) for _ in tips]
    for tip in tips:
        if tip.saving is not None:
            assert 0 < tip.saving.nanos <= tip.cost.nanos
            assert sum(each.records for each in tip.evidence) <= tip.records


def test_a_flood_of_lengths_and_projects_does_not_fill_memory():
    finder = TipFinder({}, rates(), UTC, Money.text)
    for each in range(30_000):
        finder.add(
            *made(1, PRO, "0.70", str(each + 1), tags={"project": f"p{each}"}, timestamp=NOW - timedelta(seconds=each))
        )
    assert len(finder.counts.quantities) == 20_000
    assert finder.counts.left_out == 10_000
