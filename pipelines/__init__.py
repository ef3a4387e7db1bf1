"""Orchestration: intake, assets, checks, reports and the command line."""
