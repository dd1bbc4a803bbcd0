"""The Pulumi program's parts: typed configuration, and one ComponentResource family a file."""
