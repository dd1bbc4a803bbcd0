"""The media pipeline of one stack: configuration, provider, the pipeline, outputs."""

import pulumi

from components import config
from components.config_model import PROJECT
from components.media_pipeline import MediaPipeline, MediaPipelineArgs
from components.naming import aws_provider

stack = config.load()
pipeline = MediaPipeline(
    PROJECT, MediaPipelineArgs(config=stack), pulumi.ResourceOptions(provider=aws_provider(stack))
)
for name, value in pipeline.outputs.items():
    pulumi.export(name, value)
