"""The operator's commands: `python -m operations ...`. They find a stack through its outputs."""
