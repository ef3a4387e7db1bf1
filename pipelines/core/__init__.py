"""What attribution works on: touches, conversions, refunds and spend, made from the raw feeds by business date."""
