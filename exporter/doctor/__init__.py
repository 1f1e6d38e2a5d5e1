"""The command `check`: can the configured credentials read what the collectors need?"""
