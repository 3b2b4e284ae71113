"""Web pages: the style and templates that all pages share, and the libraries that they load."""
