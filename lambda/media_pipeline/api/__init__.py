"""The upload API: what it answers, without knowing which gateway carried the question."""
