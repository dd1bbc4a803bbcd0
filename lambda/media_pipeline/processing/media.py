"""What differs between kinds of media: the protocol that images and videos implement for `ObjectProcessor`."""

from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol, TypeVar

from media_pipeline.events import ObjectEvent
from media_pipeline.images.sniffing import Kind
from media_pipeline.processing.attempt import Attempt
from media_pipeline.processing.judging import EarlyJudging
from media_pipeline.records.record import Stage
from media_pipeline.results import Results
from media_pipeline.storage import Original

CHUNK_BYTES = 1 << 20  # an original is read in parts, with a look at the time left between them

Fetched = TypeVar("Fetched")


class OpenOriginal(NamedTuple):
    """An original whose first bytes were read."""

    body: Original
    kind: Kind
    head: bytes


class Media(Protocol[Fetched]):
    """How one kind of media is fetched and processed. `Fetched` is the original as `make` takes it."""

    @property
    def stage(self) -> Stage:
        """The stage of records that this processor claims."""

    @property
    def takes_over(self) -> bool:
        """Whether records that wait for another stage are claimed too, since no function of that stage exists."""

    @property
    def renews_lease(self) -> bool:
        """Whether the work lasts longer than a lease and so has to extend it."""

    @property
    def extra_renditions(self) -> tuple[str, ...]:
        """Names of renditions besides the configured sizes."""

    def pass_on(self, event: ObjectEvent, stage: Stage) -> None:
        """Notify the function of another stage that the version waits for it."""

    def stage_of(self, original: OpenOriginal) -> Stage:
        """Return the stage that an original belongs to, judged by its type and length.

        Raises RejectedError for what no stage processes.
        """

    def fetch(self, attempt: Attempt, original: OpenOriginal) -> AbstractContextManager[Fetched]:
        """Read the original to its end and note its `sha256`; what was read is kept until the context ends."""

    def make(self, attempt: Attempt, fetched: Fetched, judging: EarlyJudging) -> Results:
        """Decode the original and produce everything that may be published, and the pictures to judge.

        `judging` may begin with those before everything else is made.
        Raises RejectedError for an original that can never be processed.
        """
