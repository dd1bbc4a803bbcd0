"""One file an entry point: translate the event, call the pipeline, answer."""
