"""What happened to a student's data, told on by the outbox: at least once, in order, each acted on once."""
