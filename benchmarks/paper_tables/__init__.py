"""The tables and figures of the four papers: what they declare, and how a row is trained, measured and printed."""
