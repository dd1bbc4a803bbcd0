"""Text that people and clients send: not all that a Python string can hold is text."""


def is_text(value: str) -> bool:
    """Return whether UTF-8 can write a string: JSON and command lines can bring half of a surrogate pair."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
