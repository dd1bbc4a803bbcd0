"""`make second-opinion`: what the pipeline publishes, against what libvips and FFmpeg show of the same files."""
