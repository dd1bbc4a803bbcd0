"""The media pipeline as it runs on AWS Lambda: from an object in the uploads bucket to its record."""

__version__ = "0.2.0"
