"""The contracts of all kinds of parts. The fields of a spec are the keys of its recipe table."""
