"""`make rehearse`: the operator's own Pulumi commands against the embedded AWS, without risk."""
