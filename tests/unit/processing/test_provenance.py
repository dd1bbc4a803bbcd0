"""What a file says of its making is in its record, and in its renditions where the stack wants that."""

import dataclasses
import io

import pytest
from PIL import Image

from media_pipeline.images.provenance import GENERATED, VOCABULARY, find
from media_pipeline.records.record import Status
from tests.fixtures.moto_stack import MotoStack

PACKET = f'<rdf:Description Iptc4xmpExt:DigitalSourceType="{VOCABULARY}{GENERATED}"/>'.encode()


@pytest.mark.parametrize("keeps", [False, True])
def test_a_marked_picture_is_recorded_as_such_and_its_renditions_say_it_where_they_should(
    stack: MotoStack, picture: bytes, keeps: bool
) -> None:
    stack.settings = dataclasses.replace(stack.settings, keeps_provenance=keeps)
    marked = io.BytesIO()
    Image.open(io.BytesIO(picture)).save(marked, "JPEG", xmp=PACKET)
    for key, data in (("made.jpg", marked.getvalue()), ("taken.jpg", picture)):
        event = stack.upload(key, data)
        assert stack.deliver(event)
        record = stack.record(key, event)
        assert record.status is Status.PUBLISHED
        says = record.attributes.get("provenance")
        is_made = key == "made.jpg"
        assert says == ({"digital_source_types": [GENERATED], "standards": ["xmp"]} if is_made else None)
        for rendition in record.renditions:
            body = stack.clients.s3.get_object(Bucket="renditions", Key=rendition["key"])["Body"].read()
            assert (find(body) is not None) is (is_made and keeps)
            assert b"Iptc4xmpExt" not in body or keeps
