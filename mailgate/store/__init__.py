"""The database: connection, schema, migrations, one module a table, what a decision reads and writes."""
