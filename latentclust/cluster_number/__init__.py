"""Choice of the number of clusters: brief trainings for several numbers, compared by label-free scores."""
