"""The configuration of a stack, from the files beside the program."""

from pathlib import Path

import pulumi

from components.config_model import StackConfig
from components.stack_files import read_config
from operations.errors import OperationsError

PROJECT = Path(__file__).parents[1]


def stack_configuration(stack: str) -> StackConfig:
    """Return the checked configuration of `Pulumi.<stack>.yaml`.

    Raises OperationsError with the configuration's own words for what is not valid.
    """
    try:
        return read_config(PROJECT, stack)
    except pulumi.RunError as error:  # the base of ConfigError, whose messages are for people
        raise OperationsError(str(error)) from error
