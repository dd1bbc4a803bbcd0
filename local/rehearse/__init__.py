"""The operator's own Pulumi commands against the embedded AWS, with nothing to lose."""
