"""What is known of items before anybody bought them."""
