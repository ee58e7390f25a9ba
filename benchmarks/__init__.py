"""What the product costs in time and memory: ``make benchmark`` measures it."""
