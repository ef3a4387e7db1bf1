"""Telling people: run results and overdue feeds, to webhooks and by e-mail, as the installation configures it."""
