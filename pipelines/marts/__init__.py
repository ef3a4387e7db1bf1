"""The marts: how the rows of each are made, and how they are stored."""
