"""The API's environment, and how little its function loads."""

import subprocess
import sys
from pathlib import Path

import pytest

from media_pipeline.errors import SettingsError
from media_pipeline.settings.api import ApiSettings
from media_pipeline.settings.variables import Variables

ENVIRONMENT = {
    "UPLOADS_BUCKET": "u",
    "UPLOADS_PREFIX": "api/",
    "UPLOAD_ID_SECRET": "the stack's own",
    "RENDITIONS_BUCKET": "r",
    "RECORDS_TABLE": "t",
    "LIMITS": '{"bytes":26214400,"frames":200,"pixels":50000000,"videoBytes":524288000,"videoSeconds":300}',
    "VIDEO_ENABLED": "true",
    "CORS_ORIGINS": '["https://app.example.com"]',
    "TRACING": "false",
}


def test_environment_parses_into_typed_settings() -> None:
    settings = ApiSettings.from_environment(ENVIRONMENT)
    assert (settings.uploads_prefix, settings.image_bytes, settings.video_bytes) == (
        "api/",
        26214400,
        524288000,
    )
    assert settings.cors_origins == ("https://app.example.com",)


def test_without_videos_their_limit_is_not_needed() -> None:
    environment = ENVIRONMENT | {"VIDEO_ENABLED": "false", "LIMITS": '{"bytes":1}'}
    assert ApiSettings.from_environment(environment).video_bytes is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("UPLOADS_BUCKET", ""),
        ("UPLOADS_PREFIX", "api"),
        ("UPLOAD_ID_SECRET", ""),
        ("LIMITS", '{"pixels":1}'),
        ("LIMITS", '{"bytes":1}'),
        ("LIMITS", "[]"),
        ("VIDEO_ENABLED", "yes"),
        ("CORS_ORIGINS", "{}"),
        ("CORS_ORIGINS", "[1]"),
        ("TRACING", "1"),
    ],
)
def test_wrong_variable_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        ApiSettings.from_environment(ENVIRONMENT | {name: value})


def imported(program: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a program that imports handlers, in a fresh process with the API's environment."""
    region = {"AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "eu-central-1"}
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[3] / "lambda",
        env={"TIMEOUT": "29", **region, **ENVIRONMENT, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_function_loads_neither_pillow_nor_boto3_nor_the_tracer() -> None:
    ran = imported(
        "import sys, media_pipeline.handlers.upload_api, media_pipeline.handlers.log_notification;"
        "heavy = {'PIL', 'pi_heif', 'av', 'boto3', 's3transfer', 'pydantic', 'aws_xray_sdk'};"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize("seconds", ["", "soon", "0", "inf"])
def test_timeout_that_is_no_number_of_seconds_is_named(seconds: str) -> None:
    with pytest.raises(SettingsError, match="TIMEOUT"):
        Variables({"TIMEOUT": seconds}).seconds("TIMEOUT")


def test_function_is_assembled_while_it_is_imported_and_not_in_its_first_call() -> None:
    ran = imported("import media_pipeline.handlers.upload_api", UPLOADS_BUCKET="")
    assert ran.stderr.splitlines()[-1] == (
        "media_pipeline.errors.SettingsError: the environment variable UPLOADS_BUCKET is missing or empty"
    )


def test_etags_are_the_md5_of_uploads_unless_the_program_says_otherwise() -> None:
    assert ApiSettings.from_environment(ENVIRONMENT).etags_are_md5
    assert not ApiSettings.from_environment(ENVIRONMENT | {"ETAGS_ARE_MD5": "false"}).etags_are_md5


def test_appeals_are_taken_only_where_days_are_configured() -> None:
    assert ApiSettings.from_environment(ENVIRONMENT).appeal_days == 0
    assert ApiSettings.from_environment(ENVIRONMENT | {"APPEAL_DAYS": "30"}).appeal_days == 30
    for wrong in ("0", "-1", "x"):
        with pytest.raises(SettingsError, match="APPEAL_DAYS"):
            ApiSettings.from_environment(ENVIRONMENT | {"APPEAL_DAYS": wrong})
