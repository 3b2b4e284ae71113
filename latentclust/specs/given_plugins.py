"""Limits of the name and the source of a plugin that is given by a file, a module or a class."""

LONGEST_SOURCE = 2**22
"""Maximum number of characters of the source."""

PLUGIN_NAME = r"^[^/\\\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]{1,255}$"
"""Pattern of the name: no separator of folders, no control character, and none that reverses the direction of text."""
