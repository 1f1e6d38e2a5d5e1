"""The chart, and what is written into it from elsewhere: the README's table, the schema, rules and dashboards."""
