"""The study of deliveries: ten times the number of deliverers, from the characters of a table's row."""
