"""What a run leaves to be read: results.json, report.md, figures, and tables for the terminal."""
