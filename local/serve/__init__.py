"""`make serve`: a stack of this project that stays up until Ctrl-C."""
