"""The CCHC warehouse: from the offices' exports to a published, trusted release."""
