"""Reports of runs: report.md, results.json, tables for the terminal, and figures."""
