"""Reports over the published warehouse."""
