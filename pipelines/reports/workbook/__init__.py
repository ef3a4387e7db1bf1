"""The report as an Excel workbook: the same content as the page, with native charts and filters."""
