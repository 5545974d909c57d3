"""How records, facets, tables, fields and vocabularies are declared."""
