"""The tables of the report, a module for each family; `pipelines.reports.sections` puts them in order."""
