"""The experiment: is one arm better than another, and how sure is that? It knows no recommender."""
