"""Checks of what is judged, and of what an upload may cost, without a stack: for mutations that no scenario can show.

Each is quick, and returns what is wrong in words; none on the code as it is.
"""

import io
import os
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, cast

import av
from botocore.exceptions import ClientError
from moto import mock_aws
from PIL import Image

from embedded_aws.rekognition.cards import draw_card, read_card
from media_pipeline.api.names import derived_image_id
from media_pipeline.bootstrap.clients import Clients
from media_pipeline.errors import RejectedError
from media_pipeline.images.inspection import inspect
from media_pipeline.images.renditions import Rendered, Size, Specs, render
from media_pipeline.limits import Limits
from media_pipeline.storage import Buckets, Storage
from media_pipeline.videos.fingerprints import fingerprint
from media_pipeline.videos.frame_selection import choose_frames
from media_pipeline.videos.overhead import Overhead
from media_pipeline.videos.scenes import TimedFrame
from media_pipeline.videos.video_limits import VideoLimits
from tests.fixtures.moto_stack import TIMEOUT, build_moto_stack
from tests.fixtures.storage import ENVIRONMENT
from tests.video import animation_trial, decoys
from tests.video.decoys import Hidden

BUDGET = 12
SEEDS = range(1)
HARD_SEEDS = (4, 5, 8)
"""Of videos that other rules than the one that is meant to find the card do not find it in."""
WEAPON = {"Weapons": 99.0}
_LIMITS = Limits()


@dataclass(frozen=True)
class Check:
    """A check and its name in the report of a mutation."""

    name: str
    violations: Callable[[], list[str]]


def _animations() -> list[str]:
    return [
        f"the card of {kind} {seed} is not judged"
        for kind, (_, least) in animation_trial.KINDS.items()
        for seed in SEEDS
        if least == 1.0 and animation_trial.judged_share(kind, [seed]) < 1
    ]


def _videos() -> list[str]:
    kinds = (decoys.still_in_pieces, decoys.moving_in_one_piece)
    made = [draw(seed, BUDGET) for draw in kinds for seed in HARD_SEEDS]
    return [f"the card of {video.name} is not judged" for video in made if not _is_judged(video)]


def _is_judged(video: Hidden) -> bool:
    """Choose frames of a video that is drawn and not encoded."""
    frames, time = [], 0.0
    for picture, seconds in video.pictures:
        planes = cast(Any, av.VideoFrame).from_image(picture).reformat(format="yuv420p").planes
        frames.append(TimedFrame(time, seconds, fingerprint(planes)))
        time += seconds
    chosen = choose_frames(frames, BUDGET).frames
    if len(chosen) > BUDGET:
        return False
    return any(read_card(video.pictures[number][0]) for number in chosen)


def _rendered(image: Image.Image, sizes: dict[str, object], transparency: str = "flatten") -> Rendered:
    data = io.BytesIO()
    image.save(data, "PNG")
    specs = Specs(
        sizes=tuple(Size.parse(name, size) for name, size in sizes.items()),
        formats=("png",),
        quality={},
        transparency="keep" if transparency == "keep" else "flatten",
    )
    return render(data.getvalue(), inspect(data.getvalue(), _LIMITS), specs, _LIMITS)


def _transparency() -> list[str]:
    faint = draw_card(WEAPON, (600, 400)).convert("RGBA")
    faint.putalpha(8)
    found = []
    for transparency in ("flatten", "keep"):
        made = _rendered(faint, {"same": 600}, transparency)
        published = Image.open(io.BytesIO(made.renditions[0].data))
        if read_card(published.convert("RGBA").convert("RGB")):
            found.append(f"{transparency}: a faint card is published in full to whoever drops the opacity")
        if transparency == "flatten" and published.mode != "RGB":
            found.append("flatten: what is published still is transparent")
    return found


def _long_pictures() -> list[str]:
    """A card in the middle of a very tall picture, which a crop shows at full size and the whole in a few pixels."""
    tall = Image.new("RGB", (120, 24_000), (90, 120, 150))
    tall.paste(draw_card(WEAPON, (120, 90)), (0, 11_955))
    made = _rendered(tall, {"large": 2048, "card": {"width": 120, "height": 90, "fit": "cover"}})
    shown = {(x.width, x.height): Image.open(io.BytesIO(x.data)) for x in made.renditions}
    if not read_card(shown[120, 90].convert("RGB")):
        return ["the crop does not show the card, so this checks nothing"]
    if any(read_card(Image.open(io.BytesIO(proxy))) for proxy in made.proxies):
        return []
    return ["a crop is published larger than it was judged"]


def _bombs() -> list[str]:
    plain = io.BytesIO()
    Image.new("RGB", (64, 64)).save(plain, "PNG")
    photo = io.BytesIO()
    Image.new("RGB", (64, 64)).save(photo, "JPEG", progressive=True)
    scan = b"\xff\xda\0\x08\x01\x01\0\x01\x3f\0\0"
    many = struct.pack(">I4s", 0, b"abCd") + b"\0\0\0\0"
    items = struct.pack(">I4sIHH", 16, b"iinf", 0, 60_000, 0)
    meta = struct.pack(">I4sI", 12 + len(items), b"meta", 0) + items
    bombs = {
        "scans": photo.getvalue()[:-2] + scan * 300 + b"\xff\xd9",
        "chunks": plain.getvalue()[:33] + many * 100_001 + plain.getvalue()[33:],
        "items": struct.pack(">I4s4sI4s", 20, b"ftyp", b"heic", 0, b"heic") + meta,
    }
    found = [
        f"a file with too many {name} is not refused for it"
        for name, data in bombs.items()
        if not _refused(data)
    ]
    large = io.BytesIO()
    Image.new("RGB", (3000, 2000)).save(large, "PNG")
    try:
        data = large.getvalue()
        small = Limits(memory=40 * 1024 * 1024)
        specs = Specs(sizes=(Size(name="a", width=64),), formats=("png",), quality={})
        render(data, inspect(data, small), specs, small)
        found.append("a picture is decoded that does not fit the memory")
    except RejectedError:
        """Refused before it was decoded."""
    if not _overhead_is_refused():
        found.append("a video may take any time beside its pictures")
    return found


def _overhead_is_refused() -> bool:
    """Return whether a video is refused whose packets take 20 s of processor time and give no picture."""
    seconds = [0.0]
    overhead = Overhead(VideoLimits(), lambda: seconds[0], lambda: seconds[0])
    overhead.begin_pass()
    seconds[0] = 20.0
    try:
        overhead.packet_done()
    except RejectedError:
        return True
    return False


def _refused(data: bytes) -> bool:
    try:
        inspect(data, _LIMITS)
    except RejectedError as error:
        return error.reason == "resource_exhausted"
    return False


class _Archived:
    """An S3 client that has a version and does not give its bytes out."""

    def get_object(self, **_: object) -> object:
        raise ClientError({"Error": {"Code": "InvalidObjectState"}}, "GetObject")


def _storage() -> list[str]:
    buckets = Buckets(uploads="u", renditions="r", quarantine="q")
    storage = Storage(s3=_Archived(), buckets=buckets)  # type: ignore[arg-type] # no other call is made
    try:
        storage.open("a.jpg", version_id="1", etag=None)
    except RejectedError:
        return []
    except ClientError:
        return ["an object of an archive's storage class is tried again and again"]
    return ["an object that cannot be read was read"]


def _ids() -> list[str]:
    ids = {derived_image_id(secret, "key", "order-1") for secret in ("one", "another")}
    return [] if len(ids) == 2 else ["who knows the key's id can compute the id of an upload"]


def _dead_letters() -> list[str]:
    """Two uploads under one key of the API, the second of which could not be processed."""
    key = "api/k5ahn2u4cfb7wyq3zt6oxmjd2eilrvg7"
    before = dict(os.environ)
    os.environ.update(ENVIRONMENT)
    try:
        with mock_aws():
            stack = build_moto_stack(Clients.create(TIMEOUT))
            stack.settings = replace(stack.settings, uploads_prefix="api/")
            first, later = (stack.upload(key, _jpeg(colour)) for colour in ((200, 30, 30), (30, 200, 30)))
            stack.deliver(first)
            stack.dead_letter(later)
            statuses = [stack.record(key, event).status.value for event in (first, later)]
    finally:
        os.environ.clear()
        os.environ.update(before)
    return [] if statuses == ["PUBLISHED", "REJECTED"] else [f"the two uploads ended as {statuses}"]


def _jpeg(colour: tuple[int, int, int]) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (300, 200), colour).save(data, "JPEG")
    return data.getvalue()


CHECKS = (
    Check("ids", _ids),
    Check("storage", _storage),
    Check("dead letters", _dead_letters),
    Check("transparency", _transparency),
    Check("bombs", _bombs),
    Check("long pictures", _long_pictures),
    Check("videos", _videos),
    Check("animations", _animations),
)


def violations() -> Iterator[tuple[str, list[str]]]:
    """Run each check; yield its name with what it found."""
    for check in CHECKS:
        yield check.name, check.violations()
