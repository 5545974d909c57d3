"""The page on which people see their CRM: it asks the API alone, and what a browser loads of it is in `static`."""
