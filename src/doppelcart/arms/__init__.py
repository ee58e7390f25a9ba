"""Arms of the experiment: what generated data changes, how arms are tuned, compared and judged."""
