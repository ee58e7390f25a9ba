"""What everything else is about: tables, histories and cases, and what they were made from."""
