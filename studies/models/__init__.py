"""Models that only a contest uses, and no pipeline."""
