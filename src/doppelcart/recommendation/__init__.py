"""The experiment of recommenders: what generated data change, how arms are tuned and scored."""
