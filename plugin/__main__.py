"""The plugin process: serves MediaPipeline to the engine of a program that embeds it."""

import sys
from pathlib import Path

from pulumi.provider import main

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from components.embedding.provider import MediaPipelineProvider

main(MediaPipelineProvider(), sys.argv[1:])
