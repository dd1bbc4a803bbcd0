"""What an operator is told when a command cannot do its work."""


class OperationsError(Exception):
    """A command cannot go on; the message says what, where and how to mend it."""
