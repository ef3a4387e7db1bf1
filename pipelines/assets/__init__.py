"""The assets, one module for each stretch of the way of the data."""
