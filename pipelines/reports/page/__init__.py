"""The page that marketers open: one self-contained HTML file."""
