"""Plausible mistakes in what is judged and in what an upload may cost, which `judged_checks` detects."""

from collections.abc import Callable
from typing import Any

from media_pipeline import storage
from media_pipeline.api import names
from media_pipeline.errors import Reason
from media_pipeline.images import animation, memory_estimate, proxies, rasters, sampling, stills
from media_pipeline.images.containers import isobmff, jpeg, png
from media_pipeline.processing.dead_letters import DeadLetters
from media_pipeline.videos import overhead
from tests.faults.mutations import MUTATIONS, Mutation, mutation, swap

PURE: set[str] = set()
"""Names of those that no scenario can show."""


def pure_mutation(function: Mutation) -> Mutation:
    """Register a mutation that `judged_checks` detects."""
    PURE.add(function.__name__.replace("_", "-"))
    return mutation(function)


def _nothing(*_: Any, **__: Any) -> None:
    """Take part in nothing."""


@pure_mutation
def scenes_take_the_whole_budget_of_a_video() -> None:
    swap(sampling.Selection, "cover_time", lambda _: _nothing)


@pure_mutation
def pieces_of_a_still_picture_are_not_added_up() -> None:
    swap(sampling.Selection, "add_shares", lambda _: _nothing)


@pure_mutation
def the_longest_shown_picture_of_an_animation_is_left_out() -> None:
    swap(sampling.Selection, "add_longest", lambda _: _nothing)


@pure_mutation
def what_moves_in_an_animation_is_not_covered() -> None:
    swap(sampling.Selection, "cover", lambda _: _nothing)


@pure_mutation
def only_the_first_frame_of_an_animation_is_judged() -> None:
    swap(animation, "choose", lambda _: lambda seconds, budget, **_: (0,))


@pure_mutation
def faint_colours_are_published() -> None:
    swap(rasters, "FAINT", lambda _: 0)


@pure_mutation
def pictures_are_never_flattened() -> None:
    swap(stills, "publishable", lambda _: lambda raster, specs: raster.without_faint())


@pure_mutation
def a_crop_is_judged_at_any_scale() -> None:
    swap(proxies, "LEAST_SCALE", lambda _: 0.0)
    swap(proxies, "LEAST_PART", lambda _: 0.0)


@pure_mutation
def an_original_that_cannot_be_read_is_tried_again() -> None:
    swap(storage, "_UNREADABLE", lambda _: {})


@pure_mutation
def ids_are_made_without_the_secret() -> None:
    real: Callable[..., str] = names.derived_image_id
    checks: Any = __import__("tests.faults.judged_checks", fromlist=["derived_image_id"])
    for module in (names, checks):
        swap(module, "derived_image_id", lambda _: lambda secret, *rest: real("", *rest))


@pure_mutation
def scans_are_not_counted() -> None:
    swap(jpeg, "MAX_SCANS", lambda _: 1_000_000)


@pure_mutation
def chunks_are_not_counted() -> None:
    swap(png, "MAX_CHUNKS", lambda _: 10_000_000)


@pure_mutation
def items_are_not_counted() -> None:
    swap(isobmff, "MAX_ITEMS", lambda _: 1_000_000)


@pure_mutation
def memory_is_not_estimated() -> None:
    swap(memory_estimate, "memory", lambda _: lambda image, inspection: 0)


@pure_mutation
def what_a_video_takes_beside_its_pictures_is_not_bounded() -> None:
    swap(overhead, "READING_SECONDS", lambda _: 1_000_000.0)


@pure_mutation
def a_second_upload_that_dead_letters_fails() -> None:
    def end(self: Any, event: Any) -> Any:
        return self._records.fail(event, reason=Reason.RETRIES_EXHAUSTED, detail="given up")

    swap(DeadLetters, "_end", lambda _: end)


__all__ = ["MUTATIONS", "PURE"]
