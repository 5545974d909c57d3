"""Import of files by a mapping."""
