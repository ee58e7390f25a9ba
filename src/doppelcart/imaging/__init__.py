"""Pictures of products: opened safely, read as a table, and told by numbers."""
