"""`make demo`: deploy a stack into the embedded AWS, send photos through it, and show what came out."""
