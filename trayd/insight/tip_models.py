"""What ids, categories and units tell of the work that a model does: whether two of them can be compared."""

from __future__ import annotations

import re

#: Units that say the same of every model: what comes out, not how much work it was. Compute time, steps, tokens,
#: credits and units are different things with each model.
_COMPARABLE = re.compile(
    r"(?:\d+ )?(?:processed )?(?:images?|megapixels?|videos?|seconds?|minutes?|characters?|audios?)", re.ASCII
)

#: Categories in which models do the same work, but for what their ids tell.
ONE_WORK = frozenset(
    {"text-to-image", "text-to-video", "image-to-video", "text-to-speech", "text-to-music", "speech-to-text"}
)

#: Words of ids that tell the work itself: fal lists enlarging, cutting out and editing as image-to-image alike, talking
#: faces as image-to-video; voices, noises and songs as text-to-audio.
_WORK = re.compile(
    r"avatar|background|canny|character|characters|control|controlnet|depth|edit|effects|erase|expand|extend|"
    r"fill|foley|inpaint|inpainting|lipsync|lora|mask|matting|mmaudio|modify|motion|music|omnihuman|outpaint|"
    r"pose|reference|relight|remix|remove|removal|restyle|retake|segment|sfx|song|sound|style|swap|talking|"
    r"transition|try|tryon|tts|upscale|upscaler|upscaling|vectorize"
)

#: What the sizes of one family of models are called in their ids.
_SIZES = frozenset(
    {"pro", "standard", "fast", "lite", "turbo", "master", "max", "ultra", "mini", "schnell", "dev", "quality", "4k"}
)


def is_comparable(unit: str) -> bool:
    """Whether a price for one such unit says the same of every model."""
    return _COMPARABLE.fullmatch(unit) is not None


def work_of(endpoint_id: str) -> frozenset[str]:
    """What an id says that the model does, beside its category."""
    return frozenset(word for word in re.split(r"[^a-z0-9]+", endpoint_id.lower()) if _WORK.fullmatch(word))


def family_of(endpoint_id: str) -> tuple[str, ...]:
    """An id without the words for sizes: the same for all models of one family."""
    return tuple(part for part in endpoint_id.split("/") if part not in _SIZES)
