"""What a file says of its making, noted in the record, and said again in the renditions where the stack wants that."""

from dataclasses import replace

from media_pipeline.images.provenance import Provenance, xmp
from media_pipeline.images.sizes import Specs
from media_pipeline.processing.attempt import Attempt
from media_pipeline.settings.functions import ImageSettings


def with_provenance(attempt: Attempt, settings: ImageSettings, found: Provenance | None) -> Specs:
    """Note what was found, and return the specs of the renditions of this original."""
    if found is None:
        return settings.specs
    attempt.facts["provenance"] = found.to_document()
    return replace(settings.specs, xmp=xmp(found.term)) if settings.keeps_provenance else settings.specs
