"""What an object processor works with."""

from collections.abc import Callable
from typing import NamedTuple

from media_pipeline.concurrency import Overlap
from media_pipeline.moderation.rekognition import Moderator
from media_pipeline.observability import Observability
from media_pipeline.processing.known_content import KnownContent
from media_pipeline.processing.outcomes import Outcomes
from media_pipeline.records.answer_cache import AnswerCache
from media_pipeline.records.budget import JudgingBudget
from media_pipeline.records.table import Records
from media_pipeline.settings.functions import ImageSettings
from media_pipeline.storage import Storage


class Dependencies(NamedTuple):
    """Everything that an `ObjectProcessor` works with. `clock` gives epoch seconds."""

    settings: ImageSettings
    records: Records
    storage: Storage
    moderator: Moderator
    answer_cache: AnswerCache | None
    """Keeps Rekognition's answers for later uploads; None where none is kept."""
    budget: JudgingBudget | None
    """Bounds the pictures that are judged on a day; None where nothing does."""
    known: KnownContent
    """Finds what is on the hash list."""
    outcomes: Outcomes
    observability: Observability
    clock: Callable[[], float]
    overlap: Callable[[], Overlap]
    """Makes what calls AWS several times at once in one attempt."""
