from __future__ import annotations

from itertools import combinations

import pytest
from PIL import Image, ImageChops, ImageStat

from trayd.tray.icon import SIZES, argb, draw
from trayd.tray.model import IconLook, IconState

LIGHT, DARK = (245, 245, 245), (45, 45, 45)
EVERY_LOOK = [IconLook(level, state) for state in IconState for level in (None, 0.0, 0.1, 0.5, 1.0)]


def on_panel(look: IconLook, size: int, panel: tuple[int, int, int]) -> Image.Image:
    """The icon in shades of grey, as someone who sees no colours sees it on that panel."""
    background = Image.new("RGB", (size, size), panel)
    picture = draw(look, size)
    background.paste(picture, (0, 0), picture)
    return background.convert("L")


def difference(one: Image.Image, other: Image.Image) -> float:
    return ImageStat.Stat(ImageChops.difference(one, other)).mean[0]


@pytest.mark.parametrize("panel", [LIGHT, DARK])
@pytest.mark.parametrize("level", [0.1, 0.5])
def test_states_differ_by_shape_at_16_pixels_without_colour(panel: tuple[int, int, int], level: float) -> None:
    shown = {state: on_panel(IconLook(level, state), 16, panel) for state in IconState}

    for one, other in combinations(IconState, 2):
        assert difference(shown[one], shown[other]) > 8, (one, other)


@pytest.mark.parametrize("panel", [LIGHT, DARK])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("look", EVERY_LOOK)
def test_the_icon_stands_out_from_light_and_dark_panels(look: IconLook, size: int, panel: tuple[int, int, int]) -> None:
    grey = on_panel(look, size, panel)
    bare = Image.new("L", (size, size), Image.new("RGB", (1, 1), panel).convert("L").getpixel((0, 0)))
    histogram = ImageChops.difference(grey, bare).histogram()

    # At least an outline, three sides of it, is far from the panel's own shade.
    assert sum(histogram[90:]) > 3 * size


@pytest.mark.parametrize("size", SIZES)
def test_the_level_rises_with_the_balance(size: int) -> None:
    def liquid(level: float) -> int:
        red, green, _blue, _alpha = draw(IconLook(level, IconState.OK), size).split()
        return sum(ImageChops.subtract(green, red).histogram()[60:])

    filled = [liquid(level) for level in (0.0, 0.25, 0.5, 0.75)]
    assert filled[0] == 0
    assert filled == sorted(set(filled))


def test_a_cent_is_still_a_trace_of_liquid() -> None:
    assert argb(IconLook(0.001, IconState.OK), 16) != argb(IconLook(0.0, IconState.OK), 16)


@pytest.mark.parametrize("look", EVERY_LOOK)
def test_panels_get_alpha_red_green_blue_for_every_pixel(look: IconLook) -> None:
    data = argb(look, 22)
    picture = draw(look, 22)

    assert len(data) == 22 * 22 * 4
    red, green, blue, alpha = picture.getpixel((11, 5))
    at = (5 * 22 + 11) * 4
    assert tuple(data[at : at + 4]) == (alpha, red, green, blue)


@pytest.mark.parametrize("look", EVERY_LOOK)
def test_the_corners_are_see_through(look: IconLook) -> None:
    picture = draw(look, 64)

    assert picture.getpixel((0, 0))[3] == 0
    assert picture.getpixel((32, 8))[3] == 255
