"""Plausible mistakes in what is judged of a picture, added to all the others."""

from collections.abc import Sequence
from typing import Any

from media_pipeline.images import animation, proxies, rasters, renditions
from tests.faults.mutations import mutation, swap


@mutation
def frames_of_animations_are_judged_by_difference_only() -> None:
    def choose(seconds: Sequence[float], budget: int, **relations: Any) -> tuple[int, ...]:
        chosen: tuple[int, ...] = real([1.0] * len(seconds), budget, **relations)
        return chosen

    real: Any = vars(animation)["choose"]
    swap(animation, "choose", lambda _: choose)


@mutation
def kept_transparency_is_not_judged_over_mid_grey() -> None:
    swap(proxies, "_MID_GREY", lambda _: proxies._BLACK)


@mutation
def a_crop_is_never_judged_by_itself() -> None:
    def whole_only(whole: rasters.Raster, targets: Any, *rest: Any, **encoded: Any) -> tuple[bytes, ...]:
        made: tuple[bytes, ...] = real(whole, (), *rest, **encoded)
        return made

    real: Any = vars(renditions)["proxies_of_renditions"]
    swap(renditions, "proxies_of_renditions", lambda _: whole_only)


@mutation
def transparency_is_judged_over_white_only() -> None:
    swap(proxies, "_appearances", lambda real: lambda raster, _: list(real(raster, (255, 255, 255)))[:1])
