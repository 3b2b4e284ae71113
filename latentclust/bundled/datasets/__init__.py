"""The data sets that ship with it, each read from the files that its authors publish."""
