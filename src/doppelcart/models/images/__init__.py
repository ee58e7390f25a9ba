"""Small pictures of products, by class: networks, their training, and what they draw."""
