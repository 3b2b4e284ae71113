"""The local page of `latentclust view`: a server on this computer, its security, and the pages it serves."""
