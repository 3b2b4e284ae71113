"""What each kind of part promises; the fields of a spec are the keys of its recipe table."""
