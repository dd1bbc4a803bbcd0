"""Rekognition in a run: it recognises sample pictures by their colours, with a model that can change."""

import base64
import json
from typing import Any

from botocore.awsrequest import AWSResponse

from tests.faults.configurations import LABELS
from tests.faults.error_responses import answer
from tests.faults.fault_injection import Call
from tests.faults.sample_uploads import Recognised, recognise

MODEL = "7.0"


class SimulatedRekognition:
    """Answers DetectModerationLabels; `model` is the version that it answers with."""

    def __init__(self) -> None:
        self.model = MODEL

    def see(self, call: Call) -> tuple[bytes, Recognised]:
        """Return the picture of a request, and what it shows."""
        data = call.params["Image"]["Bytes"]
        data = data if isinstance(data, bytes) else base64.b64decode(data)
        return data, recognise(data)

    def labels(self, call: Call) -> list[dict[str, Any]]:
        """Return the labels of a request's picture from the confidence that it asks for on."""
        _, seen = self.see(call)
        return [
            {"Name": name, "ParentName": parent, "Confidence": confidence}
            for name, parent, confidence in LABELS[seen.kind]
            if confidence >= call.params.get("MinConfidence", 50)
        ]

    def answer(self, call: Call) -> AWSResponse:
        """Return the response to a request."""
        document = {"ModerationLabels": self.labels(call), "ModerationModelVersion": self.model}
        return answer(200, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(document).encode())
