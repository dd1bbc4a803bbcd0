"""The deployed pipeline as its users see it: put objects in, read records, fetch renditions."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import BotoCoreError, ClientError

from local.demo.api_client import ApiClient, ApiClientError
from local.demo.outcomes import Outcome, Upload, from_records
from local.demo.output import Output
from local.demo.photos import Photo
from operations.reconcile import FIRST_SEQUENCER


class Pipeline:
    """One deployed stack; `client` gives boto3 clients by service, `outputs` are the stack's."""

    def __init__(self, client: Callable[[str], Any], outputs: Mapping[str, Any]) -> None:
        self._s3 = client("s3")
        self._dynamodb = client("dynamodb")
        self._uploads_bucket: str = outputs["uploads_bucket"]
        self._renditions_bucket: str = outputs["renditions_bucket"]
        self._records_table: str = outputs["records_table"]
        self._api = ApiClient(outputs["api_url"], outputs["api_key"]) if "api_url" in outputs else None

    def send(self, photo: Photo) -> Upload:
        """Send one file through the API, where the stack has one and it takes such a file; else as `upload` does."""
        if self._api is None:
            return self.upload(photo)
        try:
            key = self._api.upload(photo)
            size = photo.path.stat().st_size
        except OSError:
            return self.upload(photo)  # which records why it cannot be read
        except ApiClientError as error:
            return Upload(file=photo.file, path=photo.path, bytes=0, refused=str(error))
        if key is None:
            return self.upload(photo)
        return Upload(file=photo.file, path=photo.path, bytes=size, given_key=key)

    def upload(self, photo: Photo) -> Upload:
        """Put one file into the uploads bucket. A file that S3 or the disk refuses is not an error: see `refused`."""
        try:
            size = photo.path.stat().st_size
            photo.file.encode()  # a name that is not valid Unicode cannot be a key
            with photo.path.open("rb") as body:
                answer = self._s3.put_object(Bucket=self._uploads_bucket, Key=photo.file, Body=body)
        except UnicodeEncodeError:
            name = os.fsencode(photo.file).decode(errors="replace")
            return Upload(file=name, path=photo.path, bytes=size, refused="its name is not valid Unicode")
        except OSError as error:
            return Upload(file=photo.file, path=photo.path, bytes=0, refused=error.strerror or str(error))
        except (ClientError, BotoCoreError) as error:
            return Upload(file=photo.file, path=photo.path, bytes=size, refused=str(error))
        return Upload(file=photo.file, path=photo.path, bytes=size, version_id=answer["VersionId"])

    def outcomes(self, uploads: Iterable[Upload]) -> tuple[Outcome, ...]:
        """Return what the records say about these uploads now."""
        return from_records(uploads, self._items())

    def records(self) -> list[dict[str, Any]]:
        """Return every record, without the notes and kept answers between them."""
        return [item for item in self._items() if item["sequencer"] >= FIRST_SEQUENCER]

    def fetch_renditions(self, outcome: Outcome, output: Output) -> Outcome:
        """Copy the renditions that a record lists to OUT/renditions, under their keys.

        A record must not promise what is not there: such renditions are `lost`.
        """
        placed, lost = [], []
        for rendition in outcome.renditions:
            try:
                answer = self._s3.get_object(Bucket=self._renditions_bucket, Key=rendition.key)
            except self._s3.exceptions.NoSuchKey:
                lost.append(rendition.key)
                continue
            path = output.place("renditions", rendition.key)
            path.write_bytes(answer["Body"].read())
            placed.append(replace(rendition, path=output.relative(path)))
        return replace(outcome, renditions=tuple(placed), lost=tuple(lost))

    def _items(self) -> list[dict[str, Any]]:
        deserialize = TypeDeserializer().deserialize
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self._records_table, ConsistentRead=True
        )
        return [
            {name: deserialize(value) for name, value in item.items()}
            for page in pages
            for item in page["Items"]
        ]
