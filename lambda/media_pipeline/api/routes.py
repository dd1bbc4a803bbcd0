"""The API's routes, on Powertools' resolver: from gateway events to calls, and from results to answers."""

import json
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, CORSConfig, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError

from media_pipeline.api.images import Images
from media_pipeline.api.names import is_image_id
from media_pipeline.api.problems import CONTENT_TYPE, Problem, problem_of
from media_pipeline.api.requests import FormRequest, Request, appeal_text
from media_pipeline.api.uploads import FORM_SECONDS, Picture, Uploads
from media_pipeline.invocation import LambdaContext
from media_pipeline.observability import Observability
from media_pipeline.records.record import iso_time

UPLOAD = "/v1/images/upload"
UPLOADS = "/v1/uploads"
IMAGE = "/v1/images/<image_id>"
APPEAL = f"{IMAGE}/appeal"
METHODS = {UPLOAD: ("POST",), UPLOADS: ("POST",), IMAGE: ("GET", "DELETE"), APPEAL: ("POST",)}
BASE_PATH = re.compile(r"^/.+?(?=/v1/)")
"""The base path of a custom domain, which the gateway leaves in the event's path."""
REQUEST_HEADERS = ["Content-Disposition", "Idempotency-Key", "X-File-Name"]
ANSWER_HEADERS = ["Location", "Retry-After"]
PREFLIGHT_SECONDS = 600
NOTHING_HERE = "There is nothing here. The routes are those of the API's OpenAPI document."
NO_IMAGE = "There is no upload of this id, or its bytes have not arrived yet."


class Api:
    """The function behind the gateway. `clock` gives epoch seconds."""

    def __init__(
        self,
        *,
        uploads: Uploads,
        images: Images,
        observability: Observability,
        cors_origins: tuple[str, ...],
        clock: Callable[[], float],
    ) -> None:
        self._uploads = uploads
        self._images = images
        self._observability = observability
        self._clock = clock
        self._headers = {"Cache-Control": "no-store"}  # links and statuses are outdated in a moment
        if cors_origins:
            self._headers["Vary"] = "Origin"
        self._app = APIGatewayRestResolver(cors=_cors(cors_origins), strip_prefixes=[BASE_PATH], debug=False)
        self._app.post(UPLOAD)(self._upload)
        self._app.post(UPLOADS)(self._request_upload)
        self._app.get(IMAGE)(self._image)
        self._app.delete(IMAGE)(self._withdraw)
        self._app.post(APPEAL)(self._appeal)
        self._app.not_found(self._no_route)
        self._app.exception_handler(Exception)(self._refuse)

    def __call__(self, event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Answer one request."""
        with self._observability.invocation(context, request_id=Request(event).request_id):
            answer: dict[str, Any] = self._app.resolve(event, context)  # type: ignore[arg-type]
            return answer

    def _upload(self) -> Response[str]:
        request = self._request
        picture = Picture(
            api_key_id=request.api_key_id,
            idempotency_key=request.idempotency_key,
            data=request.body,
            file_name=request.file_name,
            was_decoded_as_text=request.was_decoded_as_text,
            content_type=request.content_type,
            content_encoding=request.content_encoding,
        )
        with self._observability.segment("store the picture"):
            image_id, kind = self._uploads.store(picture)
            self._observability.about(self._uploads.key(image_id))
        self._observability.upload_accepted(
            image_id=image_id,
            bytes=len(picture.data),
            content_type=kind.content_type,
            file_name=picture.file_name,
            api_key_id=picture.api_key_id,
        )
        return self._accepted(HTTPStatus.ACCEPTED, image_id, request, UPLOAD)

    def _request_upload(self) -> Response[str]:
        request = self._request
        api_key_id = request.api_key_id
        wanted = FormRequest.parse(request.body)
        with self._observability.segment("issue a form"):
            image_id, form = self._uploads.form(wanted)
            self._observability.about(self._uploads.key(image_id))
        self._observability.form_issued(
            image_id=image_id,
            bytes_at_most=wanted.length,
            content_type=wanted.content_type,
            file_name=wanted.file_name,
            api_key_id=api_key_id,
        )
        return self._accepted(
            HTTPStatus.CREATED,
            image_id,
            request,
            UPLOADS,
            url=form.url,
            fields=dict(form.fields),
            expires_at=iso_time(self._clock() + FORM_SECONDS),
        )

    def _image(self, image_id: str) -> Response[str]:
        _ = self._request.api_key_id
        image = None
        if is_image_id(image_id):
            with self._observability.segment("describe the upload"):
                self._observability.about(key := self._uploads.key(image_id))
                image = self._images.describe(image_id, key)
        if image is None:
            raise Problem(HTTPStatus.NOT_FOUND, NO_IMAGE)
        return self._json(HTTPStatus.OK, image)

    def _withdraw(self, image_id: str) -> Response[str]:
        request = self._request
        api_key_id = request.api_key_id
        if not is_image_id(image_id):
            raise Problem(HTTPStatus.NOT_FOUND, NO_IMAGE)
        with self._observability.segment("withdraw the upload"):
            self._observability.about(key := self._uploads.key(image_id))
            was_there = self._images.withdraw(key)
        if not was_there:
            raise Problem(HTTPStatus.NOT_FOUND, NO_IMAGE)
        self._observability.upload_withdrawn(image_id=image_id, api_key_id=api_key_id)
        return self._accepted(HTTPStatus.ACCEPTED, image_id, request, IMAGE.replace("<image_id>", image_id))

    def _appeal(self, image_id: str) -> Response[str]:
        request = self._request
        api_key_id = request.api_key_id
        text = appeal_text(request.body)
        if not is_image_id(image_id):
            raise Problem(HTTPStatus.NOT_FOUND, NO_IMAGE)
        with self._observability.segment("note the appeal"):
            self._observability.about(key := self._uploads.key(image_id))
            was_there = self._images.appeal(key, text)
        if not was_there:
            raise Problem(HTTPStatus.NOT_FOUND, NO_IMAGE)
        self._observability.upload_appealed(image_id=image_id, api_key_id=api_key_id)
        return self._accepted(HTTPStatus.ACCEPTED, image_id, request, APPEAL.replace("<image_id>", image_id))

    @property
    def _request(self) -> Request:
        return Request(self._app.current_event.raw_event)

    def _accepted(
        self, status: HTTPStatus, image_id: str, request: Request, seen_from: str, **more: Any
    ) -> Response[str]:
        status_url = request.url(IMAGE.replace("<image_id>", image_id), seen_from=seen_from)
        body = {"image_id": image_id, "status_url": status_url, **more}
        return self._json(status, body, Location=status_url)

    def _json(self, status: HTTPStatus, body: Mapping[str, Any], **headers: str) -> Response[Any]:
        return Response(status, "application/json", dict(body), headers={**self._headers, **headers})

    def _no_route(self, _: NotFoundError) -> Response[Any]:
        event = self._app.current_event
        path = BASE_PATH.sub("", event.path)
        for route, methods in METHODS.items():
            is_route = re.fullmatch(route.replace("<image_id>", "[^/]+") + "/*", path)
            if is_route and event.http_method not in methods:
                detail = f"This route takes {' and '.join(methods)} only."
                return self._refuse(Problem(HTTPStatus.METHOD_NOT_ALLOWED, detail, Allow=", ".join(methods)))
        return self._refuse(Problem(HTTPStatus.NOT_FOUND, NOTHING_HERE))

    def _refuse(self, error: Exception) -> Response[Any]:
        problem, event = problem_of(error), self._app.current_event
        is_upload = event.http_method == "POST" and not event.path.rstrip("/").endswith("/appeal")
        self._observability.refused(problem.status, problem.detail, error, is_upload=is_upload)
        return Response(
            problem.status,
            CONTENT_TYPE,
            json.dumps(problem.document(self._request.request_id)),
            headers={**self._headers, **problem.headers},
        )


def _cors(origins: tuple[str, ...]) -> CORSConfig | None:
    if not origins:
        return None
    return CORSConfig(
        allow_origin=origins[0],
        extra_origins=list(origins[1:]),
        allow_headers=REQUEST_HEADERS,
        expose_headers=ANSWER_HEADERS,
        max_age=PREFLIGHT_SECONDS,
    )
