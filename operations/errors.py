"""Errors of the operator's commands."""


class OperationsError(Exception):
    """A command cannot continue; the message says what, where and how to fix it."""
