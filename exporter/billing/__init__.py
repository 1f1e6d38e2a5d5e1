"""What the billing collectors share: months, amounts, rows of the usage summary, both billing platforms."""
