"""Canvas's JSON, as a student's token sees it."""
