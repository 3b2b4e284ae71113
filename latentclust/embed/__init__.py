"""Tables of the codes of many images: read out, nearest neighbours, outliers and duplicates, in bounded memory."""
