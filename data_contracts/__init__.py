"""What data must look like: contracts of the feeds, mappings of foreign exports, dated reference tables.

Knows nothing of Dagster and opens no database.
"""
