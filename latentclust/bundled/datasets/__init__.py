"""Published data sets in the files of their authors, and readers of the user's own files."""
