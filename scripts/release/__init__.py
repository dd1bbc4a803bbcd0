"""`make release`: the archives of a version, the same bytes from every checkout of its commit."""
