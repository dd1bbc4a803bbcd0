"""DetectModerationLabels, which moto does not have, answered by the stand-in."""

import json
from typing import Any

from embedded_aws.moto_lock import MOTO_LOCK
from embedded_aws.rekognition.stand_in import RefusedError, detect_moderation_labels


def apply() -> None:
    """Give moto's Rekognition the operation."""
    from moto.core.exceptions import JsonRESTError
    from moto.rekognition.responses import RekognitionResponse

    def detect(self: Any) -> str:
        request = json.loads(self.body)
        try:
            with MOTO_LOCK.released():  # decoding a picture touches none of moto's state
                return json.dumps(detect_moderation_labels(request))
        except RefusedError as refused:
            raise JsonRESTError(refused.code, str(refused)) from refused

    RekognitionResponse.detect_moderation_labels = detect  # type: ignore[attr-defined]
