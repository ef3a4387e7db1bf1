"""Taking landed files in: find, read, map, judge, store."""
