"""What people read: pages, tables and figures, and where a report comes from."""
