"""The experiment of recommenders: what synthetic data change, how arms are tuned and scored."""
