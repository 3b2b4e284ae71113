"""The page report.html: a self-contained file of sections, each with its values, template, scripts and styles."""
