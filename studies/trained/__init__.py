"""The generators that the product trains, each by its pipeline's own functions on its data."""
